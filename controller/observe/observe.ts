/**
 * Event → log line + metric; nothing else logs or counts (SPEC §10). Total over the union: an event without a rule
 * does not compile. JSON lines; `device_id` goes to logs, never to a label.
 */
import { type DestinationStream, type Logger, pino } from 'pino';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { HOLD_REASONS, type HoldReason } from '../domain/decision.ts';
import {
  BACKGROUND_PARTS,
  type BackgroundPart,
  type Event,
  NUDGE_RESULTS,
  type Observe,
} from '../domain/event.ts';
import { type ResultReason, VERIFY_FAILURES } from '../domain/outcome.ts';
import { type CheckEvent, makeCheckLine, makeLineTime } from './check-line.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';
type Rules = {
  readonly [T in Event['type']]: {
    readonly level: Level;
    readonly count?: (event: Extract<Event, { type: T }>) => void;
  };
};

/** What is measured now rather than counted, asked for at each scrape. */
export interface Readings {
  sourceAgeSeconds(): number | undefined;
  exposure(): { declared: number; effective: number } | undefined;
  adoption(): ReadonlyMap<string, number>;
}

export interface Observer {
  readonly observe: Observe;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Gauges read through these once the parts exist. */
  attach(readings: Readings): void;
  metrics(): Promise<{ contentType: string; body: string }>;
  /** Writes out what is buffered. */
  flush(): Promise<void>;
}

export interface ObserverOptions {
  readonly level: string;
  /** Where log lines go; standard output, buffered, unless a test listens. */
  readonly destination?: DestinationStream;
  /** What lines are dated by; the real clock when left out. */
  readonly wallMs?: () => number;
}

const snake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
const KEYS = new Map<string, string>();

/** The event's fields in wire spelling; names are few, so each is spelled once. */
function fields(event: Event): Record<string, unknown> {
  const out: Record<string, unknown> = { event: event.type };
  for (const [key, value] of Object.entries(event)) {
    if (key === 'type' || value === undefined) continue;
    let name = KEYS.get(key);
    if (name === undefined) {
      name = snake(key);
      KEYS.set(key, name);
    }
    // Durations to a tenth of a millisecond: more digits only tire.
    out[name] = key === 'ms' && typeof value === 'number' ? Math.round(value * 10) / 10 : value;
  }
  return out;
}

function meters(registry: Registry) {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const seconds = (name: string, help: string, labelNames: string[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers });
  return {
    checks: counter('ota_checks_total', 'Update checks answered, by decision.', ['decision']),
    downloads: counter('ota_downloads_total', 'APK downloads, by result.', ['result']),
    downloadBytes: counter('ota_download_bytes_total', 'APK bytes sent.', []),
    installs: counter('ota_installs_total', 'Final install reports, by outcome.', ['outcome']),
    verifyFail: counter(
      'ota_verify_fail_total',
      'Attempts that ended because bytes or signer were wrong.',
      [],
    ),
    reports: counter('ota_reports_total', 'Reports of any outcome, by outcome and reason.', [
      'outcome',
      'reason',
    ]),
    changes: counter('ota_rollout_changes_total', 'Applied changes of the rollout, by kind.', ['kind']),
    reconciles: counter('ota_reconciles_total', 'Reconcile passes, by result.', ['result']),
    reconcileSeconds: seconds(
      'ota_reconcile_seconds',
      'Duration of a reconcile pass.',
      ['result'],
      [0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    ),
    httpSeconds: seconds(
      'ota_http_request_seconds',
      'Duration of requests, by route and status class.',
      ['route', 'status'],
      [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    ),
    authFails: counter('ota_auth_failures_total', 'Refused credentials, by code.', ['code']),
    nudges: counter('ota_nudges_total', 'Nudges, by result.', ['result']),
    github: counter('ota_github_requests_total', 'Actions on the forge, by result.', ['action', 'result']),
    outboxFails: counter('ota_outbox_failures_total', 'Promised effects that failed, by topic.', [
      'topic',
      'final',
    ]),
    backgroundFails: counter('ota_background_failures_total', 'Background work that failed, by part.', [
      'part',
    ]),
    adoption: new Gauge({
      name: 'ota_adoption_ratio',
      help: 'Share of active devices that run a build.',
      labelNames: ['build_id'],
      registers,
    }),
    exposure: new Gauge({
      name: 'ota_exposure_ratio',
      help: 'Share of buckets offered current: as declared, and after rollback, suspension and withdrawal.',
      labelNames: ['kind'],
      registers,
    }),
    sourceAge: new Gauge({
      name: 'ota_source_age_seconds',
      help: 'Time since the source was last read.',
      registers,
    }),
  };
}

type Meters = ReturnType<typeof meters>;

/** A series that first appears as 1 has not increased: what alerts watch stands at 0 from the first scrape. */
function beginAtZero(m: Meters): void {
  for (const decision of ['offer', ...HOLD_REASONS]) m.checks.labels(decision).inc(0);
  for (const result of ['ok', 'resumed', 'not_modified', 'fail']) m.downloads.labels(result).inc(0);
  for (const outcome of ['ok', 'fail']) m.installs.labels(outcome).inc(0);
  for (const kind of ['promote', 'rollback', 'rollout_update']) m.changes.labels(kind).inc(0);
  for (const result of ['applied', 'unchanged', 'rejected', 'fail']) m.reconciles.labels(result).inc(0);
  for (const part of BACKGROUND_PARTS) m.backgroundFails.labels(part).inc(0);
  for (const result of NUDGE_RESULTS) m.nudges.labels(result).inc(0);
}

/** Every hold and the offer as a prepared child: a check costs one increment, no label hashing. */
function checkChildren(m: Meters): ReadonlyMap<HoldReason | 'offer', { inc(): void }> {
  return new Map(
    (['offer', ...HOLD_REASONS] as const).map(decision => [decision, m.checks.labels(decision)]),
  );
}

function rules(m: Meters): Rules {
  const checks = checkChildren(m);
  const count = (kind: string) => () => m.changes.labels(kind).inc();
  const reconciled = (result: string) => (event: { ms: number }) => {
    m.reconciles.labels(result).inc();
    m.reconcileSeconds.labels(result).observe(event.ms / 1000);
  };
  return {
    'ota.promote': { level: 'info', count: count('promote') },
    'ota.rollback': { level: 'warn', count: count('rollback') },
    'ota.rollout.update': { level: 'info', count: count('rollout_update') },
    'ota.manifest.200': { level: 'info', count: () => checks.get('offer')?.inc() },
    'ota.manifest.304': { level: 'info', count: e => checks.get(e.reason)?.inc() },
    'ota.download.200': {
      level: 'info',
      count: e => {
        m.downloads.labels(e.status === 206 ? 'resumed' : e.status === 304 ? 'not_modified' : 'ok').inc();
        m.downloadBytes.inc(e.bytes);
      },
    },
    'ota.download.fail': {
      level: 'warn',
      count: e => {
        m.downloads.labels('fail').inc();
        m.downloadBytes.inc(e.bytes);
      },
    },
    'ota.result': {
      level: 'info',
      count: e => {
        if (e.repeated) return;
        m.reports.labels(e.outcome, e.reason).inc();
        if (e.outcome === 'ok' || e.outcome === 'fail') m.installs.labels(e.outcome).inc();
        if (e.outcome === 'fail' && VERIFY_FAILURES.has(e.reason as ResultReason)) m.verifyFail.inc();
      },
    },
    'ota.adoption.progress': { level: 'info' },
    'ota.reconcile.applied': { level: 'info', count: reconciled('applied') },
    'ota.reconcile.unchanged': { level: 'debug', count: reconciled('unchanged') },
    'ota.reconcile.rejected': { level: 'error', count: reconciled('rejected') },
    'ota.reconcile.fail': { level: 'error', count: reconciled('fail') },
    'ota.clock.jump': { level: 'error' },
    'ota.clock.ok': { level: 'warn' },
    'ota.artifact.stored': { level: 'info' },
    'ota.artifact.rejected': { level: 'warn' },
    'ota.artifact.lost': { level: 'error' },
    'ota.auth.fail': { level: 'warn', count: e => m.authFails.labels(e.code).inc() },
    'ota.admin': { level: 'info' },
    'ota.http': {
      level: 'debug',
      count: e => m.httpSeconds.labels(e.route, `${Math.floor(e.status / 100)}xx`).observe(e.ms / 1000),
    },
    'ota.http.fail': { level: 'error' },
    'ota.nudge.campaign': { level: 'info' },
    'ota.nudge': { level: 'debug', count: e => m.nudges.labels(e.result).inc() },
    'ota.nudge.fail': { level: 'warn', count: e => m.nudges.labels(e.result).inc() },
    'ota.nudge.off': { level: 'warn' },
    'ota.github': { level: 'info', count: e => m.github.labels(e.action, e.result).inc() },
    'ota.webhook': { level: 'info' },
    'ota.outbox.fail': { level: 'warn', count: e => m.outboxFails.labels(e.topic, String(e.final)).inc() },
    'ota.background.fail': {
      level: 'warn',
      count: e => {
        m.backgroundFails.labels(e.part).inc();
        m.outboxFails.labels(formerTopic(e.part), 'false').inc();
      },
    },
    'ota.start': { level: 'info' },
    'ota.stop': { level: 'info' },
  };
}

/** Under what 0.1 counted these failures in `ota_outbox_failures_total`; kept until 0.3 for alerts that look there. */
const formerTopic = (part: BackgroundPart): string =>
  part === 'check_ins' || part === 'device_tokens' ? 'check-ins' : 'timer';

interface LogOutput {
  write(line: string): void;
  flush(done: () => void): void;
}

const LOG_BUFFER_BYTES = 65_536;

/** Standard output, written in large pieces, at least twice a second and at exit. Bytes: as text it is many times slower. */
function standardOutput(): LogOutput {
  const out = pino.destination({
    dest: 1,
    sync: false,
    minLength: LOG_BUFFER_BYTES,
    maxWrite: LOG_BUFFER_BYTES * 2,
    periodicFlush: 500,
    contentMode: 'buffer',
  });
  // In this mode it takes bytes, which its type does not know.
  const take = out.write.bind(out) as unknown as (bytes: Buffer) => boolean;
  return { write: line => void take(Buffer.from(line)), flush: done => out.flush(done) };
}

const isCheck = (event: Event): event is CheckEvent =>
  event.type === 'ota.manifest.304' || event.type === 'ota.manifest.200';

export function makeObserver(options: ObserverOptions): Observer {
  const { destination } = options;
  const output: LogOutput =
    destination === undefined
      ? standardOutput()
      : { write: line => destination.write(line), flush: done => done() };
  const lineTime = makeLineTime(options.wallMs ?? Date.now);
  const checkLine = makeCheckLine(lineTime);
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: lineTime,
      formatters: { level: label => ({ level: label }) },
    },
    output,
  );
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const m = meters(registry);
  beginAtZero(m);
  const table = rules(m);
  let readings: Readings | undefined;
  const refresh = () => {
    const exposure = readings?.exposure();
    if (exposure !== undefined) {
      m.exposure.labels('declared').set(exposure.declared / 100);
      m.exposure.labels('effective').set(exposure.effective / 100);
    }
    const age = readings?.sourceAgeSeconds();
    if (age !== undefined) m.sourceAge.set(age);
    m.adoption.reset();
    for (const [buildId, ratio] of readings?.adoption() ?? []) m.adoption.labels(buildId).set(ratio);
  };
  return {
    logger,
    registry,
    observe: event => {
      // One lookup by tag; the table pairs each tag with its own event, which the index type cannot express.
      const rule = table[event.type] as { level: Level; count?: (event: Event) => void };
      rule.count?.(event);
      if (!logger.isLevelEnabled(rule.level)) return;
      if (isCheck(event)) output.write(checkLine(rule.level, event));
      else logger[rule.level](fields(event));
    },
    attach: given => {
      readings = given;
    },
    metrics: async () => {
      refresh();
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
    flush: () => new Promise(resolve => output.flush(() => resolve())),
  };
}
