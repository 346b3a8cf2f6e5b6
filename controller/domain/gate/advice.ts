/**
 * What a default gate would say about a rollout at a plain percent (GATES §6). This is only information: a plain percent
 * never narrows by itself.
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
  /** `advance`: nothing speaks against going on. */
  readonly judgement: Judgement;
  readonly evidence: Evidence;
}

/** The gate that judges, or advises at a plain percent. Undefined if no percentage leads devices to `current`. */
export function adviserOf({ rollout, builds }: DesiredState, pollMs: number): Gate | undefined {
  const { exposure } = rollout;
  if (exposure.kind === 'ramp' || exposure.percent === 0 || rollout.rollback) return undefined;
  if (builds.get(rollout.current)?.withdrawn !== undefined) return undefined;
  // By default a device is silent after 18 h, and never before it has missed two polls.
  return { ...DEFAULT_GATE, silenceAfterMs: Math.max(18 * HOUR_MS, 3 * pollMs) };
}

export const gateOf = (state: DesiredState): Gate | undefined => rampOf(state.rollout)?.gate;

export interface Advised {
  /** How long the percent has been the same, ms. */
  readonly unchangedMs: number;
  /** How long this controller has been watching; only differences matter. */
  readonly upMs: number;
  readonly pollMs: number;
  readonly lift: Lift | undefined;
}

/** Like the last step of a ramp: there is no next step, and no person is asked. */
export const adviseOn = (
  gate: Gate,
  { unchangedMs: stoodMs, upMs, pollMs, lift }: Advised,
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

/** Reasons that count against the build, as opposed to missing evidence. */
const AGAINST: ReadonlySet<string> = new Set([
  'artifact_missing',
  'canary_failures',
  'doubt',
  'fail_ratio',
  'install_failures',
  'silence',
  'verify_failures',
]);

/** Reasons against the build. Nothing stops by itself, so a person should be told. */
export const againstIn = ({ reasons }: Pick<Judgement, 'reasons'>): string[] =>
  reasons.filter(reason => AGAINST.has(reason));
