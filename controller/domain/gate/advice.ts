/**
 * What a gate with defaults would say of a rollout at a plain percent (GATES §6). It is told and changes nothing: a
 * plain percent never narrows by itself.
 */
import { HOUR_MS } from '../duration.ts';
import type { BuildId } from '../ids.ts';
import { rampOf } from '../ramp/progress.ts';
import type { DesiredState } from '../release.ts';
import type { Evidence } from './evidence.ts';
import { DEFAULT_GATE, type Gate } from './gate.ts';
import { type Judgement, judgeStep, type LookMemory } from './judge-step.ts';
import type { Lift } from './proof.ts';

export interface Advice {
  readonly buildId: BuildId;
  /** When the devices were counted, Unix ms. */
  readonly atMs: number;
  /** `advance`: nothing would stand against going on. */
  readonly judgement: Judgement;
  readonly evidence: Evidence;
}

/** The gate that judges or, at a plain percent, advises. Undefined: nobody is led to `current` by a percent. */
export function adviserOf({ rollout, builds }: DesiredState, pollMs: number): Gate | undefined {
  const { exposure } = rollout;
  if (exposure.kind === 'ramp' || exposure.percent === 0 || rollout.rollback) return undefined;
  if (builds.get(rollout.current)?.withdrawn !== undefined) return undefined;
  // By default a device is silent after 18 h, and never before it has missed two polls.
  return { ...DEFAULT_GATE, silenceAfterMs: Math.max(18 * HOUR_MS, 3 * pollMs) };
}

export const gateOf = (state: DesiredState): Gate | undefined => rampOf(state.rollout)?.gate;

export interface Advised {
  /** How long the percent has stood, ms. */
  readonly stoodMs: number;
  /** How long this controller has watched; only differences matter. */
  readonly upMs: number;
  readonly pollMs: number;
  readonly lift: Lift | undefined;
}

/** As on the last step of a ramp: there is nothing to enter, and nobody is asked. */
export const adviseOn = (
  gate: Gate,
  { stoodMs, upMs, pollMs, lift }: Advised,
  evidence: Evidence,
  memory: LookMemory,
): Judgement =>
  judgeStep(
    gate,
    {
      exposureMs: stoodMs,
      holdMs: undefined,
      next: undefined,
      approvedPercent: undefined,
      resumed: false,
      upMs,
      pollMs,
      lift,
    },
    evidence,
    memory,
  );

/** What speaks against the build, as opposed to what is merely not known yet. */
const AGAINST: ReadonlySet<string> = new Set([
  'artifact_missing',
  'canary_failures',
  'doubt',
  'fail_ratio',
  'install_failures',
  'silence',
  'verify_failures',
]);

/** Reasons against the build; a person should be told of them although nothing stops by itself. */
export const againstIn = ({ reasons }: Pick<Judgement, 'reasons'>): string[] =>
  reasons.filter(reason => AGAINST.has(reason));
