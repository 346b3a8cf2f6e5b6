/** A requested change, read from a form or a link. Pure; every value is untrusted. */
import { HOUR_MS } from '../../domain/duration.ts';
import { type BuildId, isBuildId } from '../../domain/ids.ts';
import { readPercent } from '../../domain/percent.ts';
import type { Ask } from '../../ports/index.ts';

export const ASKS = ['rollback', 'promote', 'ramp', 'rollout', 'suspend', 'unsuspend'] as const;
type AskKind = (typeof ASKS)[number];

export const isAskKind = (text: string | undefined): text is AskKind => ASKS.some(kind => kind === text);

/** The schema's limit of `reason`. */
const REASON_CHARS = 1000;
/** Enough for fifty steps with spaces. */
const STEPS_CHARS = 1000;
export const SUSPEND_HOURS = [1, 4, 24, 72] as const;
const MOST_SUSPEND_MS = 31 * 24 * HOUR_MS;

/** Returns the Ask, or a sentence that says what is wrong. */
export function readAsk(kind: AskKind, fields: URLSearchParams, nowMs: number): Ask | string {
  const reason = fields.get('reason')?.replace(/\s+/g, ' ').trim() || undefined;
  if (reason !== undefined && reason.length > REASON_CHARS)
    return `The reason is longer than ${REASON_CHARS} characters.`;
  switch (kind) {
    case 'rollback':
      return { kind, forceDowngrade: fields.get('force_downgrade') === 'on', reason };
    case 'unsuspend':
      return { kind, reason };
    case 'rollout': {
      const percent = percentIn(fields);
      return percent === undefined ? PERCENT : { kind, percent, reason };
    }
    case 'promote': {
      const buildId = fields.get('build') ?? '';
      if (!isBuildId(buildId)) return 'Choose a build.';
      const percent = percentIn(fields);
      return percent === undefined ? PERCENT : { kind, buildId, percent, reason };
    }
    case 'ramp': {
      const buildId = fields.get('build') ?? '';
      if (!isBuildId(buildId)) return 'Choose a build.';
      const steps = fields.get('steps')?.trim() ?? '';
      if (steps === '' || steps.length > STEPS_CHARS)
        return 'Enter the steps, for example 1:4h, 10:24h, 50:24h, 100.';
      return { kind, buildId, steps, gate: fields.get('gate') === 'on', reason };
    }
    case 'suspend':
      return suspendIn(fields, reason, nowMs);
  }
}

const PERCENT = 'The share is a number from 0 to 100 with at most two decimals.';

function percentIn(fields: URLSearchParams): number | undefined {
  const percent = readPercent(fields.get('percent') ?? '');
  return typeof percent === 'string' ? undefined : percent;
}

/** The plan page passes both times on, so that the pull request has exactly the plan that was shown. */
function suspendIn(fields: URLSearchParams, reason: string | undefined, nowMs: number): Ask | string {
  const whole = (name: string): number | undefined => {
    const text = fields.get(name) ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const hours = whole('hours');
  const sinceMs = whole('since') ?? Math.floor(nowMs / 1000) * 1000;
  const untilMs = whole('until') ?? (hours === undefined ? undefined : sinceMs + hours * HOUR_MS);
  if (untilMs === undefined || untilMs <= sinceMs || untilMs - sinceMs > MOST_SUSPEND_MS)
    return 'Choose a duration of at most 31 days.';
  return { kind: 'suspend', sinceMs, untilMs, reason: reason ?? '' };
}

/** The form fields of an Ask, without its reason. */
export function fieldsOf(ask: Ask): readonly (readonly [name: string, value: string])[] {
  switch (ask.kind) {
    case 'rollout':
      return [['percent', String(ask.percent)]];
    case 'promote':
      return [
        ['build', ask.buildId],
        ['percent', String(ask.percent)],
      ];
    case 'ramp':
      return [['build', ask.buildId], ['steps', ask.steps], ...(ask.gate ? [['gate', 'on'] as const] : [])];
    case 'suspend':
      return [
        ['since', String(ask.sinceMs)],
        ['until', String(ask.untilMs)],
      ];
    default:
      return [];
  }
}

const quoted = (text: string): string => `"${text.replace(/["\\$`]/g, '\\$&')}"`;

/** The equivalent command. `current`: the build that is rolled out now. */
export function commandOf(ask: Ask, current: BuildId | undefined): string {
  const why = ask.reason === undefined || ask.reason === '' ? '' : ` --reason ${quoted(ask.reason)}`;
  switch (ask.kind) {
    case 'rollback':
      return `ota rollback${ask.forceDowngrade ? ' --force-downgrade' : ''}${why} --open-pr`;
    case 'promote':
      return `ota promote ${ask.buildId} --percent ${ask.percent}${why} --open-pr`;
    case 'ramp':
      return `ota ${ask.buildId === current ? 'ramp --steps' : `promote ${ask.buildId} --ramp`} ${quoted(ask.steps.replaceAll(' ', ''))}${ask.gate ? ' --gate' : ''}${why} --open-pr`;
    case 'rollout':
      return `ota rollout ${ask.percent}${why} --open-pr`;
    case 'suspend':
      return `ota suspend --until ${new Date(ask.untilMs).toISOString().replace(/\.\d+Z$/, 'Z')}${why || ' --reason "why"'} --open-pr`;
    case 'unsuspend':
      return `ota unsuspend${why} --open-pr`;
  }
}
