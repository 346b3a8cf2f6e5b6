/** Formats amounts and times for the pages, with no-break spaces between number and unit. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/duration.ts';
import { type Html, html } from './html.ts';

export const NBSP = '\u00a0';

/** `1,310` */
export const count = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',');

/** `1,310 devices`, `1 device` */
export const counted = (n: number, noun: string): string => `${count(n)}${NBSP}${noun}${n === 1 ? '' : 's'}`;

/** The share of `n` in `of`: `10.5 %`, `8 %`. Only exact values show as 0 % or 100 %. */
export function share(n: number, of: number): string {
  if (of === 0) return `0${NBSP}%`;
  const percent = (n * 100) / of;
  if (n > 0 && percent < 0.1) return `under${NBSP}0.1${NBSP}%`;
  if (n < of && percent > 99.9) return `99.9${NBSP}%`;
  return percents(percent);
}

export const percents = (percent: number): string =>
  `${Number.isInteger(percent) ? percent : Number(percent.toFixed(percent < 1 ? 2 : 1))}${NBSP}%`;

/** Decimal units: `41.9 MB` */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3));
  const amount = n / 1000 ** power;
  return `${power === 0 ? amount : amount.toFixed(1)}${NBSP}${units[power]}`;
}

/** The two largest units: `3 h 10 min`, `2 d 18 h`, `12 s`; days only from two on, because holds are usually given in hours. */
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / SECOND_MS));
  const of = (large: number, unit: string, small: number, smallUnit: string): string => {
    const rest = Math.floor((ms % large) / small);
    return `${Math.floor(ms / large)}${NBSP}${unit}${rest === 0 ? '' : `${NBSP}${rest}${NBSP}${smallUnit}`}`;
  };
  if (ms >= 10 * DAY_MS) return `${Math.floor(ms / DAY_MS)}${NBSP}d`;
  if (ms >= 2 * DAY_MS) return of(DAY_MS, 'd', HOUR_MS, 'h');
  if (ms >= HOUR_MS) return of(HOUR_MS, 'h', MINUTE_MS, 'min');
  return s >= 60 ? `${Math.floor(s / 60)}${NBSP}min` : `${s}${NBSP}s`;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (n: number): string => String(n).padStart(2, '0');

const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

/** `1 Dec`, with the year if it is not the present one. */
export function dateOf(ms: number, nowMs: number): string {
  const at = new Date(ms);
  const year = at.getUTCFullYear() === new Date(nowMs).getUTCFullYear() ? '' : ` ${at.getUTCFullYear()}`;
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}${year}`;
}

/** `14:00`, or `Tue 1 Dec 14:00` if not today. In UTC; the caller adds the zone. */
export function clockOf(ms: number, nowMs: number): string {
  const at = new Date(ms);
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
  if (dayOf(ms) === dayOf(nowMs)) return time;
  return `${DAYS[at.getUTCDay()]} ${dateOf(ms, nowMs)} ${time}`;
}

/** `45 min ago`, `in 3 h 10 min` */
export const since = (ms: number, nowMs: number): string =>
  ms <= nowMs ? `${span(nowMs - ms)} ago` : `in ${span(ms - nowMs)}`;

/** `<time>` in UTC. */
export const moment = (ms: number, nowMs: number): Html =>
  html`<time datetime="${new Date(ms).toISOString()}">${clockOf(ms, nowMs)}${NBSP}UTC</time>`;

/** The moment, with the time since or until it. */
export const momentAgo = (ms: number, nowMs: number): Html =>
  html`${moment(ms, nowMs)} <span class="qq nb">(${since(ms, nowMs)})</span>`;

export const short = (revision: string): string => revision.slice(0, 7);
