/** Weekly freeze windows (SPEC §2, `policy.yaml`) by the wall clock of their time zone. */
import { MINUTE_MS } from '../duration.ts';
import type { FreezeWindow, Weekday } from '../release.ts';

const WEEKDAYS: Readonly<Record<string, Weekday>> = {
  Mon: 'mon',
  Tue: 'tue',
  Wed: 'wed',
  Thu: 'thu',
  Fri: 'fri',
  Sat: 'sat',
  Sun: 'sun',
};

/** The first freeze window that is open at a moment. */
export function windowAt(windows: readonly FreezeWindow[], atMs: number): FreezeWindow | undefined {
  return windows.find(window => {
    const { day, minute } = localTime(window.timeZone, atMs);
    return window.days.includes(day) && window.fromMinute <= minute && minute < window.toMinute;
  });
}

export type FrozenWindows = readonly FreezeWindow[];

/** Windows without a gap for longer than this count as a freeze without an end. */
const MAX_STRETCHES = 64;

/** The first moment from `fromMs` on at which no window is open; undefined if the freeze has no end. */
export function firstOpenMs(windows: FrozenWindows, fromMs: number): number | undefined {
  let atMs = fromMs;
  for (let tries = 0; tries < MAX_STRETCHES; tries += 1) {
    const window = windowAt(windows, atMs);
    if (window === undefined) return atMs;
    const { minute } = localTime(window.timeZone, atMs);
    // To the whole minute. If the clocks change meanwhile, the next round corrects it.
    atMs += (window.toMinute - minute) * MINUTE_MS - (atMs % MINUTE_MS);
  }
  return undefined;
}

function localTime(timeZone: string, atMs: number): { day: Weekday; minute: number } {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(atMs);
  const part = (type: string): string => parts.find(p => p.type === type)?.value ?? '';
  const day = WEEKDAYS[part('weekday')];
  if (day === undefined) throw new Error(`assertion: no weekday for ${atMs} in ${timeZone}`);
  return { day, minute: Number(part('hour')) * 60 + Number(part('minute')) };
}
