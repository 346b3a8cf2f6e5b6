/** Values measured at a scrape rather than counted, read through {@link Readings} when `/metrics` is requested. */
import { Gauge, type Registry } from 'prom-client';
import { VERDICTS, type Verdict } from '../domain/gate/verdict.ts';
import type { BuildId, Revision } from '../domain/ids.ts';

export interface Readings {
  readonly version: string;
  /** The revision in force; undefined before the first. */
  revision(): Revision | undefined;
  sourceAgeSeconds(): number | undefined;
  exposure(): { declared: number; effective: number } | undefined;
  adoption(): ReadonlyMap<string, number>;
  /** All devices of the fleet, and the devices on each build that has its own series. */
  fleet(): FleetReading | undefined;
  /** Devices by their state in the rollout, from the last count. */
  rollout(): { buildId: BuildId; devices: Readonly<Record<RolloutDevices, number>> } | undefined;
  /** Share of active devices, 0–1, on builds that `adoption` does not name. */
  otherAdoption(): number;
  /** The newest revision was refused, so an older one is in force. */
  revisionRefused(): boolean;
  /** When the last valid token of scope `admin` expires, Unix ms. */
  adminExpiresAtMs(): Promise<number | undefined>;
  clockHeld(): boolean;
  /** True if this controller leads, that is, reads the source and judges it. Always true with SQLite. */
  leads(): boolean;
  /** Undefined with SQLite, whose database is a local file. */
  database(): { readonly reachable: boolean; readonly ageMs: number; readonly stale: boolean } | undefined;
  /** Devices by `kid`, `imported` or `unseen`. */
  deviceTokens(): ReadonlyMap<string, number>;
  /** Undefined without an own certificate. */
  tlsExpiresAtMs(): number | undefined;
  /** Waiting effects by topic; topics without any are missing. */
  outbox(): Promise<readonly OutboxReading[]>;
  /** Nudge campaigns in progress. */
  campaigns(): Promise<readonly CampaignReading[]>;
  /** Undefined without a gate. */
  gate(): GateReading | undefined;
  /** Builds that are offered to nobody, by the cause of their halt. */
  halts(): readonly { readonly buildId: BuildId; readonly by: string }[];
}

type RolloutDevices = 'exposed' | 'seen' | 'offered' | 'running' | 'waiting' | 'held' | 'staying';

interface FleetReading {
  readonly enrolled: number;
  readonly active: number;
  readonly running: ReadonlyMap<BuildId, number>;
}

interface OutboxReading {
  readonly topic: string;
  readonly rows: number;
  /** The waiting time of the oldest effect. */
  readonly oldestMs: number;
}

interface CampaignReading {
  readonly buildId: BuildId;
  readonly sent: number;
  readonly ageMs: number;
}

type GateClass = 'taken' | 'judged' | 'failed' | 'verify_failed' | 'followed' | 'silent' | 'needed';

export interface GateReading {
  readonly buildId: BuildId;
  readonly verdict: Verdict | undefined;
  readonly devices: Readonly<Record<GateClass, number>>;
}

function gaugesOf(registry: Registry) {
  const gauge = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  return {
    build: gauge('ota_build_info', 'The versions of the running controller and of Node.js. Always 1.', [
      'version',
      'node',
    ]),
    revision: gauge('ota_revision_info', 'The revision in force. Always 1.', ['revision']),
    adoption: gauge('ota_adoption_ratio', 'Share of active devices that run a build.', ['build_id']),
    otherAdoption: gauge(
      'ota_adoption_other_ratio',
      'Share of active devices that run a build that ota_adoption_ratio does not list.',
    ),
    devices: gauge('ota_devices', 'Devices of the fleet. active: checked in within OTA_ACTIVE_WINDOW.', [
      'state',
    ]),
    devicesRunning: gauge('ota_devices_running', 'Active devices that run a build.', ['build_id']),
    rolloutDevices: gauge(
      'ota_rollout_devices',
      'Enrolled devices that should run the target build, by state. `offered` is the sum of `running`, `waiting` and `held`.',
      ['build_id', 'state'],
    ),
    exposure: gauge(
      'ota_exposure_ratio',
      'Share of buckets that are offered current. declared: by Git and the ramp. effective: after rollback, suspension, withdrawal and halts.',
      ['kind'],
    ),
    halted: gauge(
      'ota_halted',
      '1 for a halted build, which is not offered. by: gate, hand or lost (the store lost its progress).',
      ['build_id', 'by'],
    ),
    gateVerdict: gauge('ota_gate_verdict', '1 for the verdict in force at the present step of a ramp.', [
      'build_id',
      'verdict',
    ]),
    gateDevices: gauge(
      'ota_gate_devices',
      'Devices outside the canaries for which the gate has evidence. needed, judged and followed: of the present step.',
      ['build_id', 'class'],
    ),
    revisionRefused: gauge(
      'ota_revision_refused',
      '1 while the newest revision is refused and the previous one stays in force.',
    ),
    sourceAge: gauge('ota_source_age_seconds', 'Time since the source was last read.'),
    clockHeld: gauge(
      'ota_clock_held',
      '1 while the wall clock cannot be trusted and exposure does not grow.',
    ),
    leads: gauge(
      'ota_leads',
      '1 at the leader, which reads the source, judges gates and does the work of the outbox.',
    ),
    databaseUp: gauge(
      'ota_database_up',
      '1 while the PostgreSQL server answers this controller. No series with SQLite.',
    ),
    databaseAge: gauge(
      'ota_database_age_seconds',
      'How old the data in the memory of this controller can be. Beyond OTA_STALE_MAX it offers nothing.',
    ),
    databaseStale: gauge(
      'ota_database_stale',
      '1 while nothing is offered because PostgreSQL did not answer for longer than OTA_STALE_MAX.',
    ),
    adminExpiry: gauge(
      'ota_admin_token_expiry_seconds',
      'When the last valid operator token with a scope expires, in Unix seconds.',
      ['scope'],
    ),
    tlsExpiry: gauge(
      'ota_tls_certificate_expiry_seconds',
      'When the TLS certificate expires, in Unix seconds. No series without a certificate.',
      ['use'],
    ),
    deviceTokens: gauge(
      'ota_device_tokens',
      'Unrevoked devices by the server key of the token that they used last. imported: a token of another system. unseen: no token used yet.',
      ['kid'],
    ),
    outboxRows: gauge('ota_outbox_rows', 'Outbox rows that wait, by topic.', ['topic']),
    outboxOldest: gauge('ota_outbox_oldest_seconds', 'How long the oldest outbox row has waited.', ['topic']),
    campaignSent: gauge('ota_campaign_nudges', 'Nudges that running campaigns have sent.', ['build_id']),
    campaignAge: gauge('ota_campaign_age_seconds', 'How long the oldest running campaign has been running.', [
      'build_id',
    ]),
  };
}

type Gauges = ReturnType<typeof gaugesOf>;

/** Sets all gauges from `readings` and removes the series of values that no longer exist. */
export function makeGauges(registry: Registry): (readings: Readings | undefined) => Promise<void> {
  const g = gaugesOf(registry);
  return async readings => {
    if (readings === undefined) return;
    standing(g, readings);
    fleet(g, readings);
    gate(g, readings);
    await waiting(g, readings);
  };
}

function standing(g: Gauges, readings: Readings): void {
  g.build.labels(readings.version, process.version).set(1);
  g.revision.reset();
  const revision = readings.revision();
  if (revision !== undefined) g.revision.labels(revision).set(1);
  const exposure = readings.exposure();
  if (exposure !== undefined) {
    g.exposure.labels('declared').set(exposure.declared / 100);
    g.exposure.labels('effective').set(exposure.effective / 100);
  }
  const age = readings.sourceAgeSeconds();
  if (age !== undefined) g.sourceAge.set(age);
  const tlsExpiresAtMs = readings.tlsExpiresAtMs();
  if (tlsExpiresAtMs !== undefined) g.tlsExpiry.labels('server').set(tlsExpiresAtMs / 1000);
  g.deviceTokens.reset();
  for (const [kid, devices] of readings.deviceTokens()) g.deviceTokens.labels(kid).set(devices);
  g.clockHeld.set(readings.clockHeld() ? 1 : 0);
  g.leads.set(readings.leads() ? 1 : 0);
  const database = readings.database();
  if (database !== undefined) {
    g.databaseUp.set(database.reachable ? 1 : 0);
    g.databaseAge.set(database.ageMs / 1000);
    g.databaseStale.set(database.stale ? 1 : 0);
  }
  g.revisionRefused.set(readings.revisionRefused() ? 1 : 0);
}

function fleet(g: Gauges, readings: Readings): void {
  g.otherAdoption.set(readings.otherAdoption());
  g.adoption.reset();
  for (const [buildId, ratio] of readings.adoption()) g.adoption.labels(buildId).set(ratio);
  g.devicesRunning.reset();
  const counted = readings.fleet();
  if (counted !== undefined) {
    g.devices.labels('enrolled').set(counted.enrolled);
    g.devices.labels('active').set(counted.active);
    for (const [buildId, devices] of counted.running) g.devicesRunning.labels(buildId).set(devices);
  }
  g.rolloutDevices.reset();
  const rollout = readings.rollout();
  for (const [state, devices] of Object.entries(rollout?.devices ?? {}))
    g.rolloutDevices.labels(rollout?.buildId ?? '', state).set(devices);
}

function gate(g: Gauges, readings: Readings): void {
  g.halted.reset();
  for (const { buildId, by } of readings.halts()) g.halted.labels(buildId, by).set(1);
  g.gateVerdict.reset();
  g.gateDevices.reset();
  const reading = readings.gate();
  if (reading === undefined) return;
  const { buildId, verdict, devices } = reading;
  for (const each of VERDICTS) g.gateVerdict.labels(buildId, each).set(each === verdict ? 1 : 0);
  for (const [name, count] of Object.entries(devices)) g.gateDevices.labels(buildId, name).set(count);
}

async function waiting(g: Gauges, readings: Readings): Promise<void> {
  const adminExpiresAtMs = await readings.adminExpiresAtMs();
  if (adminExpiresAtMs !== undefined) g.adminExpiry.labels('admin').set(adminExpiresAtMs / 1000);
  const outbox = await readings.outbox();
  g.outboxRows.reset();
  g.outboxOldest.reset();
  for (const { topic, rows, oldestMs } of outbox) {
    g.outboxRows.labels(topic).set(rows);
    g.outboxOldest.labels(topic).set(oldestMs / 1000);
  }
  const campaigns = await readings.campaigns();
  g.campaignSent.reset();
  g.campaignAge.reset();
  const oldest = new Map<BuildId, number>();
  for (const { buildId, sent, ageMs } of campaigns) {
    g.campaignSent.labels(buildId).inc(sent);
    oldest.set(buildId, Math.max(oldest.get(buildId) ?? 0, ageMs));
  }
  for (const [buildId, ageMs] of oldest) g.campaignAge.labels(buildId).set(ageMs / 1000);
}
