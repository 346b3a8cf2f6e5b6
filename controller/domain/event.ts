/**
 * Everything the controller logs and counts, as one closed union: the dotted names of SPEC §10 are the tags.
 * `observe.ts` is total over it. No event carries a secret; `deviceId` goes to logs, never to a metric label.
 */
import type { DeviceEvent } from './device-event.ts';
import type { Halt } from './halt.ts';
import type { BuildId, Revision } from './ids.ts';
import type { NotifyEvent } from './notice/event.ts';

export type Event =
  | DeviceEvent
  | {
      readonly type: 'ota.promote';
      revision: Revision;
      buildId: BuildId;
      previousBuildId: BuildId | undefined;
      percent: number;
    }
  | {
      readonly type: 'ota.rollback';
      revision: Revision;
      buildId: BuildId;
      fromBuildId: BuildId;
      forceDowngrade: boolean;
    }
  | {
      readonly type: 'ota.rollout.update';
      revision: Revision;
      buildId: BuildId;
      fromPercent: number;
      toPercent: number;
      by: 'commit' | 'time';
    }
  | {
      readonly type: 'ota.adoption.progress';
      revision: Revision;
      buildId: BuildId;
      percent: number;
      devices: number;
      activeDevices: number;
    }
  | {
      /** The store has no row of the standing ramp: it begins again at its first step. */
      readonly type: 'ota.ramp.restart';
      revision: Revision;
      buildId: BuildId;
    }
  | {
      /** Nobody is offered the build any more: a gate was breached, or a person pressed the brake. */
      readonly type: 'ota.halt';
      buildId: BuildId;
      kind: Halt['kind'];
      by: string;
      reason: string;
    }
  | { readonly type: 'ota.resume'; buildId: BuildId; kind: Halt['kind']; by: string; reason: string }
  | {
      /** The rollout or rollback in force is done (domain/progress.ts). */
      readonly type: 'ota.rollout.completed';
      revision: Revision;
      buildId: BuildId;
      percent: number;
      running: number;
      offered: number;
    }
  | {
      /** Many devices failed at the build within an hour (domain/failure-spike.ts). */
      readonly type: 'ota.failure.spike';
      revision: Revision;
      buildId: BuildId;
      failed: number;
      ended: number;
    }
  | {
      /** The judgement of a ramp's step changed. */
      readonly type: 'ota.gate.verdict';
      buildId: BuildId;
      step: number;
      verdict: string;
      reasons: readonly string[];
    }
  | {
      /** What a gate with defaults would say of a plain percent changed; nothing stops by it. */
      readonly type: 'ota.gate.advice';
      buildId: BuildId;
      verdict: string;
      reasons: readonly string[];
    }
  | { readonly type: 'ota.reconcile.applied'; revision: Revision; ms: number; changes: number }
  | { readonly type: 'ota.reconcile.unchanged'; revision: Revision; ms: number }
  | {
      readonly type: 'ota.reconcile.rejected';
      revision: Revision;
      ms: number;
      problems: number;
      codes: string[];
    }
  | { readonly type: 'ota.source.clone'; commits: number /** False: more steps follow. */; whole: boolean }
  | { readonly type: 'ota.reconcile.fail'; code: string; message: string; ms: number }
  | {
      /** A key file that others than its owner can read or write. */
      readonly type: 'ota.key.exposed';
      file: string;
    }
  | { readonly type: 'ota.tls.reload'; changed: boolean; expiresAt: string }
  | { readonly type: 'ota.tls.fail'; code: string; message: string }
  | { readonly type: 'ota.tls.expiring'; expiresAt: string; days: number }
  | { readonly type: 'ota.clock.jump'; byMs: number; message: string }
  | {
      /** At a start the wall clock was too far from the last moment that the store knows. */
      readonly type: 'ota.clock.start';
      lastMs: number;
      byMs: number;
      message: string;
    }
  | { readonly type: 'ota.clock.ok'; by: 'clock' | 'witness' | 'operator' }
  | { readonly type: 'ota.role'; role: 'leads' | 'follows' }
  | { readonly type: 'ota.database.fail'; code: string; message: string }
  | { readonly type: 'ota.database.stale'; awayMs: number }
  | { readonly type: 'ota.database.ok'; awayMs: number }
  | { readonly type: 'ota.artifact.stored'; sha256: string; bytes: number; actor: string }
  | { readonly type: 'ota.artifact.repaired'; sha256: string; bytes: number; actor: string }
  | { readonly type: 'ota.artifact.deleted'; sha256: string; bytes: number; actor: string }
  | { readonly type: 'ota.artifact.damaged'; sha256: string }
  | { readonly type: 'ota.artifact.rejected'; sha256: string; code: string; actor: string }
  | { readonly type: 'ota.artifact.lost'; sha256: string; buildId: BuildId }
  | { readonly type: 'ota.auth.fail'; route: string; code: string; address: string }
  | { readonly type: 'ota.admin'; actor: string; action: string; subject: string }
  | {
      /** No more connections fit: those that sent no request were closed for new ones. */
      readonly type: 'ota.listener.full';
      listener: 'main' | 'operator';
      connections: number;
      /** Since this was told last. */
      closed: number;
    }
  | { readonly type: 'ota.http'; method: string; route: string; status: number; ms: number }
  | {
      /** A transaction of the store; `jobs` changes shared it. */
      readonly type: 'ota.store.write';
      ms: number;
      jobs: number;
    }
  | { readonly type: 'ota.http.fail'; method: string; route: string; code: string; message: string }
  | {
      readonly type: 'ota.github';
      action: string;
      result: 'ok' | 'retry' | 'fail' | 'skipped';
      code: string | undefined;
    }
  | NotifyEvent
  | {
      readonly type: 'ota.webhook';
      deliveryId: string;
      name: string;
      result: 'accepted' | 'duplicate' | 'ignored';
    }
  | { readonly type: 'ota.outbox.fail'; topic: string; code: string; attempt: number; final: boolean }
  | {
      /** Work that nobody waits for failed; it comes again by itself. */
      readonly type: 'ota.background.fail';
      part: BackgroundPart;
      code: string;
      message: string;
    }
  | { readonly type: 'ota.start'; version: string; url: string }
  | { readonly type: 'ota.stop'; reason: string };

/** The parts that work by themselves: timers, the writing of check-ins, and what a publish sets off. */
export const BACKGROUND_PARTS = [
  'adoption',
  'artifacts',
  'check_ins',
  'clock',
  'device_tokens',
  'completion',
  'database',
  'exposure',
  'failures',
  'gate',
  'github',
  'leading',
  'outbox',
  'progress',
  'retention',
  'tls',
] as const;
export type BackgroundPart = (typeof BACKGROUND_PARTS)[number];

export type Observe = (event: Event) => void;
