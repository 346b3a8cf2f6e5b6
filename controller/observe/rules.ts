/** How each event is logged and counted. An event without a rule does not compile. */
import type { BackgroundPart, Event } from '../domain/event.ts';
import { type ResultReason, VERIFY_FAILURES } from '../domain/outcome.ts';
import type { Meters } from './meters.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';
type Rules = {
  readonly [T in Event['type']]: {
    readonly level: Level;
    readonly count?: (event: Extract<Event, { type: T }>) => void;
  };
};

/** A series that first appears as 1 has not increased, so each destination begins with all of them at 0. */
/** `redirected`: the object store sends the bytes. */
const DOWNLOADED = { 200: 'ok', 206: 'resumed', 307: 'redirected' } as const;
const NOTIFY_RESULTS = ['sent', 'retry', 'gave_up'] as const;

export function rules(m: Meters): Rules {
  const count = (kind: string) => () => m.changes.labels(kind).inc();
  const reconciled = (result: string) => (event: { ms: number }) => {
    m.reconciles.labels(result).inc();
    m.reconcileSeconds.labels(result).observe(event.ms / 1000);
  };
  return {
    'ota.promote': { level: 'info', count: count('promote') },
    'ota.rollback': { level: 'warn', count: count('rollback') },
    'ota.rollout.update': { level: 'info', count: count('rollout_update') },
    'ota.manifest.200': {
      level: 'info',
      count: e => m.checks.inc(e.repeated ? 'offer_again' : 'offer'),
    },
    'ota.manifest.304': { level: 'info', count: e => m.checks.inc(e.reason) },
    'ota.download.200': {
      level: 'info',
      count: e => {
        m.downloads.labels(DOWNLOADED[e.status]).inc();
        m.downloadBytes.inc(e.bytes);
      },
    },
    'ota.download.304': { level: 'info', count: () => m.downloads.labels('not_modified').inc() },
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
        if (e.outcome === 'ok' || e.outcome === 'fail') {
          m.installs.labels(e.outcome).inc();
          if (e.first) m.installDevices.labels(e.outcome).inc();
        }
        if (e.outcome === 'fail' && VERIFY_FAILURES.has(e.reason as ResultReason)) m.verifyFail.inc();
      },
    },
    'ota.install.repeated': { level: 'warn', count: () => m.repeatedInstalls.inc() },
    'ota.adoption.progress': { level: 'info' },
    'ota.ramp.restart': { level: 'warn' },
    'ota.halt': { level: 'error' },
    'ota.resume': { level: 'warn' },
    'ota.rollout.completed': { level: 'info' },
    'ota.failure.spike': { level: 'warn' },
    'ota.gate.verdict': { level: 'info' },
    'ota.gate.advice': { level: 'info' },
    'ota.reconcile.applied': { level: 'info', count: reconciled('applied') },
    'ota.reconcile.unchanged': { level: 'debug', count: reconciled('unchanged') },
    'ota.reconcile.rejected': { level: 'error', count: reconciled('rejected') },
    'ota.reconcile.fail': { level: 'error', count: reconciled('fail') },
    'ota.key.exposed': { level: 'warn' },
    'ota.source.clone': { level: 'info' },
    'ota.token.adopted': { level: 'warn', count: () => m.tokensAdopted.inc() },
    'ota.tls.reload': { level: 'info' },
    'ota.tls.fail': { level: 'error' },
    'ota.tls.expiring': { level: 'warn' },
    'ota.clock.jump': { level: 'error' },
    'ota.clock.start': { level: 'error' },
    'ota.clock.ok': { level: 'warn' },
    'ota.role': { level: 'info' },
    'ota.database.fail': { level: 'error' },
    'ota.database.stale': { level: 'error' },
    'ota.database.ok': { level: 'warn' },
    'ota.artifact.stored': { level: 'info' },
    'ota.artifact.repaired': { level: 'warn' },
    'ota.artifact.deleted': { level: 'info' },
    'ota.artifact.damaged': { level: 'error' },
    'ota.artifact.rejected': { level: 'warn' },
    'ota.artifact.lost': { level: 'error' },
    'ota.auth.fail': { level: 'warn', count: e => m.authFails.labels(e.code).inc() },
    'ota.admin': { level: 'info' },
    'ota.listener.full': { level: 'warn', count: e => m.connectionsClosed.labels(e.listener).inc(e.closed) },
    'ota.http': {
      level: 'debug',
      count: e => m.httpSeconds.observe(e.route, e.status, e.ms / 1000),
    },
    'ota.http.fail': { level: 'error' },
    'ota.store.write': { level: 'debug', count: e => m.storeWriteSeconds.observe(e.ms / 1000) },
    'ota.nudge.campaign': { level: 'info' },
    'ota.nudge': { level: 'debug', count: e => m.nudges.labels(e.result).inc() },
    'ota.nudge.fail': { level: 'warn', count: e => m.nudges.labels(e.result).inc() },
    'ota.nudge.off': { level: 'warn' },
    'ota.github': { level: 'info', count: e => m.github.labels(e.action, e.result).inc() },
    'ota.notify.on': {
      level: 'info',
      count: e => {
        for (const result of NOTIFY_RESULTS) m.notifications.labels(e.destination, result).inc(0);
      },
    },
    'ota.notify.sent': { level: 'info', count: e => m.notifications.labels(e.destination, 'sent').inc() },
    'ota.notify.retry': { level: 'warn', count: e => m.notifications.labels(e.destination, 'retry').inc() },
    'ota.notify.gave_up': {
      level: 'error',
      count: e => m.notifications.labels(e.destination, 'gave_up').inc(),
    },
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

/** The topic of these failures in `ota_outbox_failures_total` of version 0.1; kept until 0.3 for existing alerts. */
const formerTopic = (part: BackgroundPart): string =>
  part === 'check_ins' || part === 'device_tokens' ? 'check-ins' : 'timer';
