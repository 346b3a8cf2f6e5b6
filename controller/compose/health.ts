/** Collects the input of the health checks. Other services are asked seldom and never delay an answer for long. */
import { statfs } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { ObjectStore } from '../artifacts/object-store.ts';
import type { Snapshot } from '../domain/decision.ts';
import { Fault, faultCode } from '../domain/fault.ts';
import { type HealthFacts, healthOf, type Probe } from '../domain/health/index.ts';
import type { BuildId } from '../domain/ids.ts';
import type { GitHubConsole } from '../github/console.ts';
import {
  type Artifacts,
  type HealthSource,
  type IdentityProvider,
  IMPORTED_KID,
  type Picture,
  type Pusher,
  type Webhook,
} from '../ports/index.ts';
import type { Reconcile } from '../reconcile/loop.ts';
import type { CertificateWatch } from '../watch/certificate.ts';
import type { Keys } from './edges.ts';
import type { Foundation } from './foundation.ts';
import { adminExpiresAtMs } from './watches.ts';

const MEGABYTE = 1_048_576;
const PROBE_EVERY_MS = 60_000;
const PROBE_WITHIN_MS = 10_000;

interface HealthParts {
  readonly keys: Pick<Keys, 'tokenKeys'>;
  readonly picture: Picture;
  readonly reconcile: Pick<Reconcile, 'status'>;
  readonly artifacts: Pick<Artifacts, 'usedBytes'>;
  readonly objectStore: Pick<ObjectStore, 'probe'> | undefined;
  readonly certificate: CertificateWatch | undefined;
  readonly pusher: Pick<Pusher, 'check'> | undefined;
  readonly github: Pick<GitHubConsole, 'access'> | undefined;
  readonly webhook: WatchedWebhook | undefined;
  readonly provider: Pick<IdentityProvider, 'check' | 'name'> | undefined;
}

export function healthSource(foundation: Foundation, parts: HealthParts): HealthSource {
  const { settings, clock, nowMs, store, runtime } = foundation;
  const push = seldom(runtime.monotonicMs, () => pushProbe(parts.pusher));
  const github = seldom(runtime.monotonicMs, () => githubProbe(parts.github));
  const objects = seldom(runtime.monotonicMs, () => objectStoreProbe(parts.objectStore));
  const signIn = seldom(runtime.monotonicMs, () => signInProbe(parts.provider));

  async function facts(): Promise<HealthFacts> {
    const status = parts.reconcile.status();
    const { snapshot } = parts.picture;
    const space = await statfs(settings.OTA_DATA);
    const { appliedRevision, attemptedRevision } = status;
    return {
      nowMs: nowMs(),
      clockHeld: clock.held,
      source: {
        readAtMs: status.sourceReadAtMs,
        fault: status.sourceFault,
        intervalMs: settings.OTA_SOURCE_INTERVAL,
        refused: attemptedRevision !== undefined && attemptedRevision !== appliedRevision,
        applied: appliedRevision !== undefined,
      },
      missingArtifacts: snapshot === undefined ? [] : missingBuilds(snapshot),
      keys: keyFacts(store.devices.kids(), parts.keys),
      adminExpiresAtMs: await adminExpiresAtMs(store),
      certificateExpiresAtMs: parts.certificate?.expiresAtMs,
      disk: {
        freeBytes: space.bavail * space.bsize,
        totalBytes: space.blocks * space.bsize,
        artifactBytes: await parts.artifacts.usedBytes(),
        artifactQuotaBytes: settings.OTA_ARTIFACT_QUOTA_MB * MEGABYTE,
      },
      objectStore: await objects(),
      push: await push(),
      github: await github(),
      webhook: await webhookFacts(parts.webhook),
      signIn: await signIn(),
      replicas: await store.replicas.list(),
    };
  }

  return { look: async () => healthOf(await facts()) };
}

const missingBuilds = ({ state, missingArtifacts }: Snapshot): BuildId[] =>
  [...state.builds.values()].filter(b => missingArtifacts.has(b.sha256)).map(b => b.buildId);

/** Leaves out tokens of other systems and devices that were never seen: neither uses our keys. */
function keyFacts(
  kids: ReadonlyMap<string | undefined, number>,
  { tokenKeys }: Pick<Keys, 'tokenKeys'>,
): HealthFacts['keys'] {
  const own = tokenKeys.map(({ kid }) => ({ kid, devices: kids.get(kid) ?? 0 }));
  const known = new Set<string | undefined>([undefined, IMPORTED_KID, ...own.map(k => k.kid)]);
  const orphaned = [...kids].reduce((sum, [kid, devices]) => sum + (known.has(kid) ? 0 : devices), 0);
  return { own, orphaned };
}

/** Keeps an answer for a minute and shares it among all concurrent callers. */
function seldom<T extends Probe>(monotonicMs: () => number, ask: () => Promise<T>): () => Promise<T | Probe> {
  let last: { readonly atMs: number; readonly answer: Promise<T | Probe> } | undefined;
  return () => {
    const atMs = monotonicMs();
    if (last === undefined || atMs - last.atMs >= PROBE_EVERY_MS) last = { atMs, answer: within(ask) };
    return last.answer;
  };
}

async function within<T extends Probe>(ask: () => Promise<T>): Promise<T | Probe> {
  const late = new AbortController();
  const tooLate = wait(PROBE_WITHIN_MS, undefined, { signal: late.signal, ref: false }).then(
    (): Probe => ({ kind: 'failed', code: 'timeout', text: 'it did not answer within 10 s' }),
  );
  try {
    return await Promise.race([ask(), tooLate]);
  } catch (error) {
    const text = error instanceof Fault ? error.message : 'it could not be asked';
    return { kind: 'failed', code: faultCode(error), text };
  } finally {
    late.abort();
    tooLate.catch(() => undefined); // aborted: the answer came in time
  }
}

async function pushProbe(pusher: Pick<Pusher, 'check'> | undefined): Promise<Probe> {
  if (pusher?.check === undefined) return { kind: 'off' };
  const { result, ...told } = await pusher.check();
  return result === 'fine'
    ? { kind: 'fine', text: 'FCM takes our credentials' }
    : { kind: 'failed', code: 'unknown', ...told, text: 'FCM refuses our credentials or cannot be reached' };
}

async function githubProbe(
  github: Pick<GitHubConsole, 'access'> | undefined,
): Promise<HealthFacts['github']> {
  if (github === undefined) return { kind: 'off' };
  const { login, missing, isWhole } = await github.access();
  const more = isWhole ? '' : '; GitHub does not tell whether this token may write';
  return { kind: 'fine', text: `speaks as ${login}${more}`, missing };
}

async function objectStoreProbe(objects: HealthParts['objectStore']): Promise<Probe> {
  if (objects === undefined) return { kind: 'off' };
  await objects.probe();
  return { kind: 'fine', text: 'the bucket answers and is ours' };
}

async function signInProbe(provider: HealthParts['provider']): Promise<Probe> {
  if (provider === undefined) return { kind: 'off' };
  await provider.check();
  return { kind: 'fine', text: `people sign in with ${provider.name}, which answers` };
}

const TAKEN_KEY = 'webhook.taken';
const KEEP_EVERY_MS = 60_000;

/** A webhook, and when it was last used. */
export interface WatchedWebhook {
  readonly deliver: Webhook;
  takenAtMs(): Promise<number | undefined>;
  refusedAtMs(): number | undefined;
}

/** Anybody can send a delivery with a wrong signature, so it is remembered only in memory. */
export function watchWebhook(
  webhook: Webhook,
  { store, nowMs }: Pick<Foundation, 'store' | 'nowMs'>,
): WatchedWebhook {
  let takenMs: number | undefined;
  let refusedMs: number | undefined;
  let keptMs = 0;
  return {
    deliver: async delivery => {
      const result = await webhook(delivery);
      const atMs = nowMs();
      if (result === 'bad_signature') refusedMs = atMs;
      else {
        takenMs = atMs;
        if (atMs - keptMs >= KEEP_EVERY_MS) {
          keptMs = atMs;
          await store.keyValues.set(TAKEN_KEY, String(atMs));
        }
      }
      return result;
    },
    takenAtMs: async () => {
      const kept = Number((await store.keyValues.get(TAKEN_KEY)) ?? 0);
      const newest = Math.max(kept, takenMs ?? 0);
      return newest > 0 ? newest : undefined;
    },
    refusedAtMs: () => refusedMs,
  };
}

const webhookFacts = async (webhook: WatchedWebhook | undefined): Promise<HealthFacts['webhook']> => ({
  isSet: webhook !== undefined,
  takenAtMs: await webhook?.takenAtMs(),
  refusedAtMs: webhook?.refusedAtMs(),
});
