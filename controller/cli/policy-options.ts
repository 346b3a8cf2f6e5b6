/** Values of the options of `ota policy set`. */
import { InvalidArgumentError } from 'commander';
import { normaliseFingerprint } from '../domain/ids.ts';
import type { WirePolicy } from '../yaml/wire.ts';
import { percentArgument } from './arguments.ts';

const wrong = (message: string): never => {
  throw new InvalidArgumentError(message);
};

const listOf = (text: string): string[] => text.split(',').map(part => part.trim());

export const percentListArgument = (text: string): number[] | 'none' =>
  text === 'none' ? text : [...new Set(listOf(text).map(percentArgument))].sort((a, b) => a - b);

export const jumpArgument = (text: string): number | 'none' =>
  text === 'none' ? text : percentArgument(text);

/** Keeps the spelling, so that people can compare it with the output of apksigner. */
export function signersArgument(text: string, before: readonly string[] = []): string[] {
  const signers = listOf(text);
  if (signers.some(s => normaliseFingerprint(s) === undefined))
    return wrong("Expected a certificate's SHA-256: 64 hex digits, with or without colons.");
  return [...before, ...signers];
}

type Approvals = NonNullable<WirePolicy['approvals']>;

/** `25:1,50:2`: above 25 % one reviewer, above 50 % two. */
export function approvalsArgument(text: string): Approvals | 'none' {
  if (text === 'none') return text;
  return listOf(text).map(part => {
    const [above = '', count = '', ...more] = part.split(':');
    if (more.length > 0 || !/^[1-9]\d?$/.test(count))
      return wrong(`${JSON.stringify(part)} is not a valid rule: write ABOVE:REVIEWERS, like 25:1.`);
    return { above_percent: percentArgument(above), approvals: Number(count) };
  });
}

type Window = NonNullable<WirePolicy['freeze_windows']>[number];

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const FREEZE = /^([a-z,]+)\s+(\d\d:\d\d)-(\d\d:\d\d)\s+(\S+)\s+(.+)$/;

/** `sat,sun 00:00-24:00 Europe/Berlin weekend`. The time zone is checked later, with the file. */
export function freezeArgument(text: string, before: readonly Window[] = []): Window[] {
  const [, dayText = '', from = '', to = '', time_zone = '', reason = ''] = FREEZE.exec(text.trim()) ?? [];
  const days = listOf(dayText).flatMap(name => DAYS.filter(day => day === name));
  if (reason === '' || days.length !== listOf(dayText).length)
    return wrong(
      'Expected days, hours, a time zone and a reason, like "fri 16:00-24:00 Europe/Berlin weekend".',
    );
  return [...before, { reason, time_zone, days, from, to }];
}
