/**
 * What a device would have been offered at a past moment. Not everything about the past is known. Instead of guessing,
 * each unknown takes every value it may have had, and only an answer that is the same in all these worlds is given. Pure.
 */
import { type Device, makeSnapshot, type Snapshot } from './decision.ts';
import type { Halt } from './halt.ts';
import type { DeviceId, Revision, Sha256 } from './ids.ts';
import { type RampProgress, rampOf } from './ramp/progress.ts';
import type { DesiredState } from './release.ts';

/** The state that was in force, and how far its ramp had come. */
export interface PastStanding {
  readonly revision: Revision;
  readonly appliedAtMs: number;
  readonly state: DesiredState;
  readonly halts: readonly Halt[];
  /** Index of the step that was entered last, −1: none. Undefined: not known, or there is no ramp. */
  readonly step: number | undefined;
}

interface PastDevice {
  readonly deviceId: DeviceId;
  /** Undefined: not known. */
  readonly tags: readonly string[] | undefined;
  /** Its last report before that moment; undefined: not known. */
  readonly versionCode: number | undefined;
  /** From its latest report, before or after that moment. */
  readonly sdk: number | undefined;
  readonly signer: Sha256 | undefined;
}

export interface World {
  readonly snapshot: Snapshot;
  readonly device: Device;
}

/** A bounded number: at most steps + 1 snapshots, two sets of tags and four versions. */
export function worldsOf(standing: PastStanding, device: PastDevice): World[] {
  const pictures = stepsOf(standing).map(step => pictureAt(standing, step));
  return pictures.flatMap(snapshot =>
    tagsOf(snapshot, device).flatMap(tags =>
      versionsOf(snapshot, device).map(versionCode => ({
        snapshot,
        device: { deviceId: device.deviceId, tags, versionCode, sdk: device.sdk, signer: device.signer },
      })),
    ),
  );
}

function stepsOf({ state, step }: PastStanding): (number | undefined)[] {
  const ramp = rampOf(state.rollout);
  if (ramp === undefined) return [undefined];
  return step === undefined ? [-1, ...ramp.steps.keys()] : [step];
}

function pictureAt(
  { state, revision, appliedAtMs, halts }: PastStanding,
  step: number | undefined,
): Snapshot {
  const progress: RampProgress | undefined =
    step === undefined
      ? undefined
      : {
          rampId: 0,
          beginsAtMs: appliedAtMs,
          step,
          enteredAtMs: appliedAtMs,
          exposureMs: 0,
          servedMs: 0,
          judgement: undefined,
        };
  return makeSnapshot(state, { revision, appliedAtMs, progress, halts });
}

/** Tags only decide who is a canary, so two cases are enough: with a canary tag and without. */
function tagsOf({ canaryTags }: Snapshot, { tags }: PastDevice): (readonly string[])[] {
  if (tags !== undefined) return [tags];
  const [one] = canaryTags;
  return one === undefined ? [[]] : [[], [one]];
}

function versionsOf({ current, lastSafe }: Snapshot, { versionCode }: PastDevice): number[] {
  if (versionCode !== undefined) return [versionCode];
  const safe = lastSafe?.versionCode ?? 0;
  return [...new Set([0, safe, current.versionCode, Math.max(safe, current.versionCode) + 1])];
}

/** The value of `of` if it is the same in all worlds, else undefined. */
export function agreed<T>(worlds: readonly World[], of: (world: World) => T): T | undefined {
  const [first, ...rest] = worlds.map(of);
  const text = JSON.stringify(first);
  return rest.every(value => JSON.stringify(value) === text) ? first : undefined;
}

/** What the audit stores of a ramp when a revision is applied or a ramp restarts. Null for a plain percent. */
export const rampRow = (progress: RampProgress | undefined) =>
  progress === undefined
    ? null
    : { id: progress.rampId, step: progress.step, begins_at_ms: progress.beginsAtMs };

export interface PastStep {
  readonly step: number;
  /** Its judgement then; undefined before its first one. */
  readonly verdict: { readonly verdict: string; readonly reasons: readonly string[] } | undefined;
}

/** The ramp's step after an audit row; undefined if the row does not say, such as rows of older versions. */
export function stepIn(action: string, detail: unknown): PastStep | undefined {
  const told = objectOf(detail);
  if (action !== 'ramp.verdict') {
    const { step } = objectOf(told.ramp);
    return typeof step === 'number' ? { step, verdict: undefined } : undefined;
  }
  if (typeof told.entered === 'number') return { step: told.entered, verdict: undefined };
  if (typeof told.step !== 'number' || typeof told.verdict !== 'string') return undefined;
  const reasons = Array.isArray(told.reasons) ? told.reasons.map(String) : [];
  return { step: told.step, verdict: { verdict: told.verdict, reasons } };
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
