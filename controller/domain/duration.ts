/** Durations as people write them, in the YAML, in settings and on the command line: a whole number and one unit. */

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Largest first. */
const UNITS = [
  ['d', DAY_MS],
  ['h', HOUR_MS],
  ['m', MINUTE_MS],
  ['s', SECOND_MS],
  ['ms', 1],
] as const;

/** `30s`, `6h`, `90d`, `250ms` → ms; undefined when it is not a duration. */
export function parseDuration(text: string): number | undefined {
  const [, count = '', name] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const unit = UNITS.find(([unitName]) => unitName === name);
  return unit === undefined ? undefined : Number(count) * unit[1];
}

/** 14,400,000 → `4h`, in the largest unit that divides it; `24h` rather than `1d`. */
export function durationText(ms: number): string {
  const unit = UNITS.find(([name, size]) => ms % size === 0 && ms >= size * (name === 'd' ? 2 : 1));
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}
