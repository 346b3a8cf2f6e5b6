/**
 * Notices for people outside of the product: one closed union. It never contains a device id or a `detail`. Free texts
 * (reasons, names) are unescaped; the sender escapes them for the service that shows them.
 */
import type { BuildId, Revision } from '../ids.ts';
import type { ResultReason } from '../outcome.ts';

/** The kinds that a destination can subscribe to. */
export const NOTICE_KINDS = [
  'applied',
  'refused',
  'halted',
  'completed',
  'reverted',
  'failure_spike',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** Payload formats. */
export const NOTICE_FORMS = ['generic', 'slack', 'teams'] as const;
export type NoticeForm = (typeof NOTICE_FORMS)[number];

export interface NamedBuild {
  readonly buildId: BuildId;
  readonly versionName: string;
}

/** Where a rejected revision is wrong. Messages are left out: they may quote YAML that names a device. */
interface NamedProblem {
  readonly code: string;
  readonly file: string;
  readonly line: number;
}

export type Notice =
  | {
      /** A revision was applied that promotes a build or changes its exposure. */
      readonly kind: 'applied';
      readonly revision: Revision;
      readonly build: NamedBuild;
      /** The previous `current`, if it was a different build. */
      readonly previousBuildId: BuildId | undefined;
      /** Effective percent of `current` before and after. */
      readonly fromPercent: number;
      readonly toPercent: number;
      /** The most it can reach without another commit. */
      readonly finalPercent: number;
      readonly reason: string | undefined;
    }
  | {
      /** A revision was applied that leads back: a rollback, an older `current`, a withdrawal. */
      readonly kind: 'reverted';
      readonly revision: Revision;
      /** The build that devices are led to now. */
      readonly build: NamedBuild;
      readonly fromBuildId: BuildId;
      readonly forceDowngrade: boolean;
      readonly reason: string | undefined;
    }
  | {
      readonly kind: 'refused';
      readonly revision: Revision;
      /** The revision that stays applied; undefined: none was ever applied. */
      readonly standingRevision: Revision | undefined;
      /** The first errors. */
      readonly problems: readonly NamedProblem[];
      readonly problemsTotal: number;
    }
  | {
      readonly kind: 'halted';
      readonly revision: Revision;
      readonly build: NamedBuild;
      /** `gate`, or who pulled the brake. */
      readonly by: string;
      readonly mode: 'halt' | 'rollback';
      readonly reason: string;
    }
  | {
      /** The rollout is done as domain/progress.ts defines it. */
      readonly kind: 'completed';
      readonly revision: Revision;
      readonly build: NamedBuild;
      readonly course: 'rollout' | 'rollback';
      readonly percent: number;
      readonly running: number;
      readonly offered: number;
    }
  | {
      readonly kind: 'failure_spike';
      readonly revision: Revision;
      readonly build: NamedBuild;
      /** Devices. */
      readonly failed: number;
      readonly ended: number;
      readonly windowMs: number;
      readonly reasons: readonly { readonly reason: ResultReason; readonly devices: number }[];
    }
  | {
      /** An operator sends a test message. */
      readonly kind: 'test';
      readonly by: string;
    };

/** A notice for one destination: the payload of its outbox row. */
export interface DatedNotice {
  /** The same for each attempt, so that a receiver can drop duplicates. */
  readonly id: string;
  /** When it happened, Unix ms. */
  readonly atMs: number;
  readonly notice: Notice;
}
