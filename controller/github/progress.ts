/** How a merged revision stands with the fleet: what the progress report, its statuses and its notices are made from. */

import type { BuildId, Revision } from '../domain/ids.ts';
import type { Outcome, ResultReason } from '../domain/outcome.ts';
import type { CurvePoint } from './render/chart.ts';
import { shareOf, shortSha } from './render/markdown.ts';

export type RolloutState =
  | 'pending'
  | 'rolling_out'
  | 'suspended'
  | 'completed'
  | 'reverted'
  | 'superseded'
  | 'rejected';

/** Nothing of the revision changes any more. */
export const isFinal = (state: RolloutState): boolean =>
  state === 'completed' || state === 'reverted' || state === 'superseded';

export interface Tally {
  readonly enrolled: number;
  /** Checked in within the active window; all below are of these. */
  readonly active: number;
  /** Meant to run the subject. */
  readonly offered: number;
  readonly installed: number;
  /** Offered, not installed yet. */
  readonly waiting: number;
  /** Meant to run it, but held back. */
  readonly blocked: readonly { readonly reason: string; readonly devices: number }[];
  /** On a newer version and not made to go back. */
  readonly staying: number;
}

export interface Attempts {
  readonly ok: number;
  readonly fail: number;
  readonly deferred: number;
  readonly reasons: readonly {
    readonly outcome: Outcome;
    readonly reason: ResultReason;
    readonly attempts: number;
  }[];
}

export interface Subject {
  readonly buildId: BuildId;
  readonly versionName: string;
  readonly versionCode: number;
  /** `rollback`: devices are led to it from a newer build; `none`: this revision changes no offer. */
  readonly kind: 'rollout' | 'rollback' | 'none';
}

export interface Progress {
  readonly revision: Revision;
  readonly state: RolloutState;
  readonly subject: Subject;
  readonly appliedAtMs: number;
  /** Effective exposure, percent of buckets. */
  readonly percent: number;
  readonly tally: Tally;
  readonly attempts: Attempts;
  readonly curve: readonly CurvePoint[];
  /** Exposure over time: each entry holds until the next. */
  readonly exposure: readonly CurvePoint[];
  readonly next: { readonly percent: number; readonly atMs: number } | undefined;
  readonly suspend: { readonly reason: string; readonly untilMs: number } | undefined;
  /** What ended it. */
  readonly by: Revision | undefined;
}

const failedOf = ({ ok, fail }: Attempts): string => (ok + fail === 0 ? '0 %' : shareOf(fail, ok + fail));

/** `10 % · 118/121 installed · 0.8 % failed` */
export const headlineOf = ({ percent, tally, attempts, subject }: Progress): string =>
  [
    subject.kind === 'rollback' ? 'rollback' : `${percent} %`,
    `${tally.installed}/${tally.offered} installed`,
    `${failedOf(attempts)} failed`,
  ].join(' · ');

/** The `ota/rollout` status and the deployment of a state: success only for what was applied and took its course. */
export function statusOf(progress: Progress): {
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
    case 'completed':
      return progress.subject.kind === 'none'
        ? {
            status: 'success',
            deployment: 'success',
            description: 'applied · no device is offered anything else',
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
