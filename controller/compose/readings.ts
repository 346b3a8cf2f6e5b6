/** Collects the values of the gauges at each scrape of `/metrics`. */

import { effectivePercent, type Snapshot } from '../domain/decision.ts';
import { gateOf } from '../domain/gate/advice.ts';
import { subjectOf } from '../domain/progress.ts';
import { percentAt } from '../domain/ramp/progress.ts';
import { cursorOf, NUDGE_TOPIC, payloadOf } from '../nudges/row.ts';
import type { GateReading, Readings } from '../observe/gauges.ts';
import { type DatabaseReach, IMPORTED_KID, type Picture } from '../ports/index.ts';
import type { Reconcile } from '../reconcile/loop.ts';
import type { CertificateWatch } from '../watch/certificate.ts';
import type { GateWatch } from '../watch/gate.ts';
import type { Keys } from './edges.ts';
import type { Foundation } from './foundation.ts';
import { adminExpiresAtMs, type Watches } from './watches.ts';

type Watched = Pick<Watches, 'adoption' | 'gate' | 'progress'> & {
  readonly database: DatabaseReach | undefined;
};

export const readingsOf = (
  { runtime, clock, nowMs, store }: Foundation,
  keys: Pick<Keys, 'tokenKeys'>,
  publication: Picture,
  reconcile: Pick<Reconcile, 'sourceAgeMs' | 'status'>,
  { adoption, database, gate, progress }: Watched,
  certificate: CertificateWatch | undefined,
): Readings => ({
  version: runtime.version,
  revision: () => publication.snapshot?.revision,
  sourceAgeSeconds: () => reconcile.sourceAgeMs() / 1000,
  exposure: () => {
    const { snapshot } = publication;
    if (snapshot === undefined) return undefined;
    const atMs = nowMs();
    return {
      declared: percentAt(snapshot.rollout, snapshot.progress),
      effective: effectivePercent(snapshot, atMs),
    };
  },
  adoption: () => adoption.ratios(),
  rollout: () => {
    const counted = progress.last();
    if (counted === undefined) return undefined;
    const { exposed, seen, offered, running, waiting, staying, held } = counted.progress;
    const sum = held.reduce((total, h) => total + h.devices, 0);
    return {
      buildId: subjectOf(counted.picture).buildId,
      devices: { exposed, seen, offered, running, waiting, held: sum, staying },
    };
  },
  otherAdoption: () => adoption.otherRatio(),
  revisionRefused: () => {
    const { appliedRevision, attemptedRevision } = reconcile.status();
    return attemptedRevision !== undefined && attemptedRevision !== appliedRevision;
  },
  adminExpiresAtMs: () => adminExpiresAtMs(store),
  clockHeld: () => clock.held,
  leads: () => store.leads,
  database: () => database,
  deviceTokens: () => {
    const name = (kid: string | undefined): string => (kid === IMPORTED_KID ? 'imported' : (kid ?? 'unseen'));
    const counted = new Map([...store.devices.kids()].map(([kid, devices]) => [name(kid), devices]));
    // A key that no device uses any more is reported as 0, so that its series does not vanish.
    return new Map([...keys.tokenKeys.map(({ kid }) => [kid, 0] as const), ['unseen', 0], ...counted]);
  },
  tlsExpiresAtMs: () => certificate?.expiresAtMs,
  fleet: () => adoption.fleet(),
  outbox: async () =>
    (await store.outbox.waiting()).map(({ topic, rows, oldestMs }) => ({
      topic,
      rows,
      oldestMs: Math.max(0, nowMs() - oldestMs),
    })),
  campaigns: async () =>
    (await store.outbox.pending(NUDGE_TOPIC)).map(row => ({
      buildId: payloadOf(row).buildId,
      sent: cursorOf(row).sent,
      ageMs: Math.max(0, nowMs() - row.createdAtMs),
    })),
  gate: () => {
    const { snapshot } = publication;
    return snapshot === undefined ? undefined : gateReading(snapshot, gate);
  },
  halts: () => publication.snapshot?.halts.map(({ buildId, kind }) => ({ buildId, by: kind })) ?? [],
});

function gateReading(snapshot: Snapshot, gate: Pick<GateWatch, 'known'>): GateReading | undefined {
  if (gateOf(snapshot.state) === undefined) return undefined;
  const { cohort } = gate.known(snapshot).evidence;
  const judgement = snapshot.progress?.judgement;
  const figures = judgement?.figures;
  return {
    buildId: snapshot.current.buildId,
    verdict: judgement?.verdict,
    devices: {
      taken: cohort.taken,
      failed: cohort.fail,
      verify_failed: cohort.verifyFail,
      silent: cohort.silent,
      needed: figures?.needed ?? 0,
      judged: figures?.judged ?? 0,
      followed: figures?.followed ?? 0,
    },
  };
}
