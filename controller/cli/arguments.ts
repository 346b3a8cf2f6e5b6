/** Parsers of single arguments. Each returns the value or throws commander's InvalidArgumentError that says what is expected. */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../domain/duration.ts';
import { isBuildId, isDeviceId, isName } from '../domain/ids.ts';
import { readPercent } from '../domain/percent.ts';
import { timeText } from '../domain/plan/words.ts';
import { parseTime } from '../domain/time.ts';
import type { Moment } from '../yaml/change/suspend.ts';
import { visibleLine } from './problem-formats.ts';

const wrong = (message: string): never => {
  throw new InvalidArgumentError(message);
};

/** If `read` returns a sentence instead of a value, commander shows it as the error. */
export const readWith =
  <T extends object | number>(read: (text: string) => T | string) =>
  (text: string): T => {
    const value = read(text);
    return typeof value === 'string' ? wrong(value) : value;
  };

/** 0–100 with at most two decimals, `%` allowed. */
export const percentArgument = readWith(readPercent);

export const percentsArgument = (text: string): number[] =>
  text.split(',').map(part => percentArgument(part.trim()));

export const countArgument =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    return /^\d{1,12}$/.test(text) && value >= min && value <= max
      ? value
      : wrong(`Expected a whole number from ${min} to ${max}.`);
  };

/** `90s`, `30m`, `4h`, `7d` → ms. */
export function durationArgument(text: string): number {
  if (/^\d+$/.test(text)) return wrong(`A unit is missing: write ${text}s, ${text}m, ${text}h or ${text}d.`);
  const ms = /^\d{1,7}[smhd]$/.test(text) ? (parseDuration(text) ?? 0) : 0;
  return ms > 0 ? ms : wrong('Expected a duration like 90s, 30m, 4h or 7d.');
}

/** For options that took a plain number of seconds before 0.2. The error explains the old meaning. */
export const oldDurationArgument = (text: string): number =>
  /^\d+$/.test(text)
    ? wrong(`A unit is missing. Before 0.2 this meant seconds: write ${text}s.`)
    : durationArgument(text);

/** A moment: a duration from now, or a time with its UTC offset and its spelling. */
export type When = { readonly inMs: number } | { readonly atMs: number; readonly text: string };

/** `4h`, or `2026-12-01T18:00:00+01:00`. A time without an offset would depend on the machine's time zone. */
export function whenArgument(text: string): When {
  const atMs = parseTime(text);
  if (atMs !== undefined) return { atMs, text };
  if (/^\d{4}-\d{2}-\d{2}/.test(text))
    return wrong('Expected a time with seconds and an offset, like 2026-12-01T18:00:00+01:00 or …Z.');
  try {
    return { inMs: durationArgument(text) };
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    return wrong(
      'Expected a duration from now, like 4h, or a time with an offset, like 2026-12-01T18:00:00+01:00.',
    );
  }
}

/** Uses whole seconds, because people read the time in a file. */
export function momentOf(when: When, nowMs: number): Moment {
  if ('atMs' in when) return when;
  const atMs = nowMs + when.inMs;
  const seconds = atMs - (atMs % 1000);
  return { atMs: seconds, text: timeText(seconds) };
}

export const buildArgument = (text: string): string =>
  isBuildId(text)
    ? text
    : wrong('A build id is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit.');

export const deviceArgument = (text: string): string =>
  isDeviceId(text) ? text : wrong('A device id is 1 to 64 of A-Z a-z 0-9 . _ : -');

export const tagArgument = (text: string): string =>
  isName(text) ? text : wrong('A tag is lower-case letters, digits, . _ - (at most 64).');

/** `qa,lab` or repeated options → the names, each once. */
export function tagsArgument(text: string, before: readonly string[] = []): string[] {
  const names = text
    .split(',')
    .map(t => t.trim())
    .filter(t => t !== '');
  const bad = names.find(t => !isName(t));
  if (bad !== undefined)
    return wrong(
      `${visibleLine(JSON.stringify(bad))} is not a valid tag: use lower-case letters, digits, . _ - (at most 64).`,
    );
  return [...new Set([...before, ...names])];
}

/** Printable ASCII, like the schema of cohort_seed. */
export const seedArgument = (text: string): string =>
  /^[\x20-\x7e]{0,100}$/.test(text)
    ? text
    : wrong('A cohort_seed is at most 100 printable ASCII characters.');

/** One line of free text for YAML and pull requests. */
export function reasonArgument(text: string): string {
  const reason = text.trim();
  if (reason === '') return wrong('The text is empty.');
  return reason.length <= 1000 ? reason : wrong('The text is too long: at most 1,000 characters.');
}

/** A time with its UTC offset → Unix ms. A time without an offset would depend on the machine's time zone. */
export const timeArgument = (text: string): number =>
  parseTime(text) ??
  wrong('Expected a time with seconds and an offset, like 2026-12-01T18:00:00+01:00 or …Z.');
