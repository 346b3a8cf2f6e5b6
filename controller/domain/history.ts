/**
 * The history of an applied revision, from the audit rows between it and the next one. Pure. Rows of older versions may
 * lack fields; missing fields are left out, never guessed.
 */
import type { Transition } from './plan/exposure.ts';

/** The audit action of an applied revision, and of the end of its rollout. */
export const APPLY = 'apply';
export const COMPLETE = 'complete';

/** Audit actions that are listed under the revision they belong to. */
export const HISTORY_ACTIONS = ['ramp.verdict', 'ramp.restart', 'halt', 'brake', 'resume', COMPLETE] as const;

/** Kept for good, so that a history is complete: these rows are few and name no device. */
export const KEPT_ACTIONS = [APPLY, COMPLETE, 'halt', 'brake'] as const;

const EVENT_KINDS = ['step', 'verdict', 'restart', 'halt', 'brake', 'resume', 'completed'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

interface HistoryEvent {
  readonly kind: EventKind;
  readonly text: string;
}

type Detail = Readonly<Record<string, unknown>>;

const objectOf = (value: unknown): Detail =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Detail) : {};
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
const listOf = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join(', ').replaceAll('_', ' ') : '';
const inBrackets = (text: string): string => (text === '' ? '' : ` (${text})`);

/** Undefined for a row that is not part of a history. Steps are counted from 1. */
export function eventOf(action: string, detail: unknown): HistoryEvent | undefined {
  const told = objectOf(detail);
  switch (action) {
    case 'ramp.verdict':
      return verdictOf(told);
    case 'ramp.restart':
      return { kind: 'restart', text: 'the ramp restarted: the store had no record of it' };
    case 'halt':
      return { kind: 'halt', text: `the gate halted the build${inBrackets(listOf(told.reasons))}` };
    case 'brake':
      return { kind: 'brake', text: `braked: ${textOf(told.reason) ?? '?'}` };
    case 'resume':
      return { kind: 'resume', text: `resumed: ${textOf(told.reason) ?? '?'}` };
    case COMPLETE:
      return { kind: 'completed', text: completedOf(told) };
    default:
      return undefined;
  }
}

function verdictOf(detail: Detail): HistoryEvent {
  const entered = numberOf(detail.entered);
  if (entered !== undefined) return { kind: 'step', text: `step ${entered + 1} opened` };
  const step = (numberOf(detail.step) ?? -1) + 1;
  const verdict = (textOf(detail.verdict) ?? '?').replaceAll('_', ' ');
  return { kind: 'verdict', text: `step ${step}: ${verdict}${inBrackets(listOf(detail.reasons))}` };
}

function completedOf({ running, offered, kind }: Detail): string {
  const [have, of] = [numberOf(running), numberOf(offered)];
  const share = have === undefined || of === undefined ? '' : `: ${have} of ${of} offered devices run it`;
  return `${kind === 'rollback' ? 'the rollback is complete' : 'completed'}${share}`;
}

interface AppliedDetail {
  readonly previousRevision: string | undefined;
  readonly planHash: string | undefined;
  /** Who made the commit, by name, and its first line. */
  readonly author: string | undefined;
  readonly subject: string | undefined;
  /** Undefined in rows of older versions. */
  readonly transitions: readonly Transition[] | undefined;
  readonly percent: number | undefined;
  readonly changes: number;
}

/** The detail of an `apply` row, as {@link AppliedDetail}. */
export function appliedOf(detail: unknown): AppliedDetail {
  const told = objectOf(detail);
  return {
    previousRevision: textOf(told.from),
    planHash: textOf(told.plan_hash),
    author: textOf(told.author),
    subject: textOf(told.subject),
    transitions: Array.isArray(told.transitions) ? (told.transitions as Transition[]) : undefined,
    percent: numberOf(told.percent),
    changes: Array.isArray(told.changes) ? told.changes.length : 0,
  };
}

/** `b41 → b42 at 10 %`, `rolled back to b41`, `10 % → 50 %`; undefined when no offer changed. */
export function transitionText(transitions: readonly Transition[]): string | undefined {
  const [first] = transitions;
  if (first === undefined) return undefined;
  if (first.kind === 'promote') return `${first.from ?? 'nothing'} → ${first.to} at ${first.percent} %`;
  if (first.kind === 'rollback') return `${first.from} rolled back to ${first.to}`;
  return `${first.buildId} ${first.fromPercent} % → ${first.toPercent} %`;
}
