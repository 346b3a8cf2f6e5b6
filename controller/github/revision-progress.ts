/** The progress of a merged revision in the fleet: input for its report, statuses and notices. */

import type { Verdict } from '../domain/gate/verdict.ts';
import type { Halt } from '../domain/halt.ts';
import type { Revision } from '../domain/ids.ts';
import type { FleetProgress, Subject } from '../domain/progress.ts';
import type { ReasonCount } from '../ports/index.ts';
import type { CurvePoint } from './render/chart.ts';
import { shareOf, shortSha } from './render/markdown.ts';

/** Beginning of the `ota/rollout` status of a halted rollout. A controller without its store reads it back. */
export const HALTED = 'halted';

export type RolloutState =
  | 'pending'
  | 'rolling_out'
  | 'suspended'
  /** Stopped by its gate or a person's brake, without a commit. */
  | 'halted'
  | 'completed'
  | 'reverted'
  | 'superseded'
  | 'rejected';

/** True if the revision's state no longer changes. */
export const isFinal = (state: RolloutState): boolean =>
  state === 'completed' || state === 'reverted' || state === 'superseded';

/** Devices, as `OutcomeCounts` counts them. */
export interface Results {
  readonly ok: number;
  readonly fail: number;
  readonly deferred: number;
  readonly reasons: readonly Pick<ReasonCount, 'outcome' | 'reason' | 'devices'>[];
}

export interface RevisionProgress {
  readonly revision: Revision;
  readonly state: RolloutState;
  readonly subject: Subject;
  readonly appliedAtMs: number;
  /** Effective exposure, percent of buckets. */
  readonly percent: number;
  /** The last count while the revision was in force. */
  readonly fleet: FleetProgress;
  readonly results: Results;
  readonly curve: readonly CurvePoint[];
  /** Exposure over time; each entry is valid until the next. */
  readonly exposure: readonly CurvePoint[];
  readonly next: { readonly percent: number; readonly atMs: number } | undefined;
  readonly suspend: { readonly reason: string; readonly untilMs: number } | undefined;
  /** Absent in data of version 0.1. */
  readonly halt?: { readonly kind: Halt['kind']; readonly reason: string } | undefined;
  /** Reasons against the build by a default gate, at a plain percent; information only. */
  readonly advice?: { readonly verdict: Verdict; readonly against: readonly string[] } | undefined;
  /** The revision that ended it. */
  readonly by: Revision | undefined;
}

const failedOf = ({ ok, fail }: Results): string => (ok + fail === 0 ? '0 %' : shareOf(fail, ok + fail));

/** `10 % · 118/121 installed · 0.8 % failed` */
export const headlineOf = ({ percent, fleet, results, subject }: RevisionProgress): string =>
  [
    subject.kind === 'rollback' ? 'rollback' : `${percent} %`,
    `${fleet.running}/${fleet.offered} installed`,
    `${failedOf(results)} failed`,
  ].join(' · ');

/** The `ota/rollout` status and the deployment of a state: success only for a revision that was applied and completed. */
export function statusOf(progress: RevisionProgress): {
  status: 'pending' | 'success' | 'failure' | 'error';
  deployment: 'queued' | 'in_progress' | 'success' | 'failure' | 'inactive';
  description: string;
} {
  const by = progress.by === undefined ? '' : ` by ${shortSha(progress.by)}`;
  const line = headlineOf(progress);
  switch (progress.state) {
    case 'pending':
      return { status: 'pending', deployment: 'queued', description: `pending · ${line}` };
    case 'rolling_out':
      return { status: 'pending', deployment: 'in_progress', description: line };
    case 'suspended':
      return { status: 'pending', deployment: 'in_progress', description: `suspended · ${line}` };
    case 'halted':
      return { status: 'pending', deployment: 'in_progress', description: `${HALTED} · ${line}` };
    case 'completed':
      return progress.subject.kind === 'none'
        ? {
            status: 'success',
            deployment: 'success',
            description: 'applied · offers are unchanged',
          }
        : { status: 'success', deployment: 'success', description: `completed · ${line}` };
    case 'superseded':
      return { status: 'success', deployment: 'inactive', description: `superseded${by} · ${line}` };
    case 'reverted':
      return { status: 'failure', deployment: 'failure', description: `reverted${by} · ${line}` };
    case 'rejected':
      return { status: 'error', deployment: 'inactive', description: `never applied · superseded${by}` };
  }
}
