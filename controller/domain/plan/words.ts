/** Amounts as text, in the units of the YAML where it has them. */

/** Unix ms → `2026-12-01T14:00:00Z`. */
export const timeText = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

/** `10 %`, `0.5 %` */
export const percentText = (percent: number): string => `${percent} %`;

/** Decimal units, as APK sizes and bandwidth are quoted: `41.9 MB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const amount = bytes / 1000 ** power;
  return `${power === 0 ? amount : amount.toFixed(1)} ${units[power]}`;
}

/** The part of a fingerprint that a person compares. */
export const shortHex = (hex: string): string => `${hex.slice(0, 16)}…`;

export const countText = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
