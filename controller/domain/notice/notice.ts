/**
 * What people are told of outside of the product: one closed union. No device and no `detail` is ever in it. Texts of
 * people (reasons, names) are as they wrote them; whoever sends a notice escapes them for the service that shows it.
 */
import type { BuildId, Revision } from '../ids.ts';
import type { ResultReason } from '../outcome.ts';

/** What a destination can ask for. */
export const NOTICE_KINDS = [
  'applied',
  'refused',
  'halted',
  'completed',
  'reverted',
  'failure_spike',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** Whose form a message takes. */
export const NOTICE_FORMS = ['generic', 'slack', 'teams'] as const;
export type NoticeForm = (typeof NOTICE_FORMS)[number];

export interface NamedBuild {
  readonly buildId: BuildId;
  readonly versionName: string;
}

/** Where a refused revision is wrong. Messages stay behind: they may quote the YAML, and with it a device. */
export interface NamedProblem {
  readonly code: string;
  readonly file: string;
  readonly line: number;
}

export type Notice =
  | {
      /** A revision came into force that leads devices forward, or changes how far. */
      readonly kind: 'applied';
      readonly revision: Revision;
      readonly build: NamedBuild;
      /** What was `current` before, when it was another. */
      readonly previousBuildId: BuildId | undefined;
      /** Effective percent of `current` before and after. */
      readonly fromPercent: number;
      readonly toPercent: number;
      /** The most it can reach without another commit. */
      readonly finalPercent: number;
      readonly reason: string | undefined;
    }
  | {
      /** A revision came into force that takes a build back: a rollback, an older pointer, a withdrawal. */
      readonly kind: 'reverted';
      readonly revision: Revision;
      /** What devices are led to now. */
      readonly build: NamedBuild;
      readonly fromBuildId: BuildId;
      readonly forceDowngrade: boolean;
      readonly reason: string | undefined;
    }
  | {
      readonly kind: 'refused';
      readonly revision: Revision;
      /** What stays in force; undefined: nothing was ever applied. */
      readonly standingRevision: Revision | undefined;
      /** The first errors. */
      readonly problems: readonly NamedProblem[];
      readonly problemsTotal: number;
    }
  | {
      readonly kind: 'halted';
      readonly revision: Revision;
      readonly build: NamedBuild;
      /** `gate`, or who pressed the brake. */
      readonly by: string;
      readonly mode: 'halt' | 'rollback';
      readonly reason: string;
    }
  | {
      /** By the one definition of done (domain/progress.ts). */
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
      /** An operator asked whether messages arrive. */
      readonly kind: 'test';
      readonly by: string;
    };

/** A notice on its way to one destination: the payload of its outbox row. */
export interface Told {
  /** The same for each try, so that a receiver can drop repetitions. */
  readonly id: string;
  /** When it happened, Unix ms. */
  readonly atMs: number;
  readonly notice: Notice;
}
