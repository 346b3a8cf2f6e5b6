/** All metrics. No label ever names a device (SPEC §10). */
import { Counter, Histogram, type Registry } from 'prom-client';
import { HOLD_REASONS } from '../domain/decision.ts';
import { NUDGE_RESULTS } from '../domain/device-event.ts';
import { BACKGROUND_PARTS } from '../domain/event.ts';
import { counterTally, requestTally } from './tally.ts';

export function meters(registry: Registry) {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const seconds = (name: string, help: string, labelNames: string[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers });
  return {
    checks: counterTally(registry, {
      name: 'ota_checks_total',
      help: 'Update checks answered, by decision.',
      label: 'decision',
      values: ['offer', 'offer_again', ...HOLD_REASONS],
    }),
    downloads: counter('ota_downloads_total', 'APK downloads, by result.', ['result']),
    downloadBytes: counter('ota_download_bytes_total', 'APK bytes sent.', []),
    installs: counter('ota_installs_total', 'Final install reports, by outcome.', ['outcome']),
    installDevices: counter(
      'ota_install_devices_total',
      'Devices by outcome. For each build, a device counts at most once as ok and once as fail.',
      ['outcome'],
    ),
    repeatedInstalls: counter(
      'ota_repeated_installs_total',
      'Devices that started to install the same build again and again.',
      [],
    ),
    verifyFail: counter(
      'ota_verify_fail_total',
      'Attempts that ended because of wrong bytes or a wrong signer.',
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
    httpSeconds: requestTally(registry, {
      name: 'ota_http_request_seconds',
      help: 'Duration of requests, by route and status class.',
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    }),
    connectionsClosed: counter(
      'ota_connections_closed_total',
      'Idle connections closed because a listener was full.',
      ['listener'],
    ),
    authFails: counter('ota_auth_failures_total', 'Refused credentials, by code.', ['code']),
    nudges: counter('ota_nudges_total', 'Nudges, by result.', ['result']),
    github: counter('ota_github_requests_total', 'Actions on GitHub, by result.', ['action', 'result']),
    notifications: counter(
      'ota_notifications_total',
      'Attempts to deliver a notification, by destination and result.',
      ['destination', 'result'],
    ),
    outboxFails: counter('ota_outbox_failures_total', 'Failed work of the outbox, by topic.', [
      'topic',
      'final',
    ]),
    backgroundFails: counter('ota_background_failures_total', 'Background work that failed, by part.', [
      'part',
    ]),
    tokensAdopted: counter(
      'ota_tokens_adopted_total',
      'Device tokens that were accepted although they are newer than a restored backup.',
      [],
    ),
    logDropped: counter(
      'ota_log_lines_dropped_total',
      'Log lines that were dropped because they could not be written.',
      [],
    ),
    storeWriteSeconds: new Histogram({
      name: 'ota_store_write_seconds',
      help: 'Duration of write transactions of the store, from begin to commit.',
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
  };
}

export type Meters = ReturnType<typeof meters>;

/**
 * A series that first appears at 1 shows no increase. So the series that alerts watch start at 0 with the first scrape.
 */
export function beginAtZero(m: Meters): void {
  for (const result of ['ok', 'resumed', 'redirected', 'not_modified', 'fail'])
    m.downloads.labels(result).inc(0);
  for (const outcome of ['ok', 'fail']) {
    m.installs.labels(outcome).inc(0);
    m.installDevices.labels(outcome).inc(0);
  }
  for (const kind of ['promote', 'rollback', 'rollout_update']) m.changes.labels(kind).inc(0);
  for (const result of ['applied', 'unchanged', 'rejected', 'fail']) m.reconciles.labels(result).inc(0);
  for (const part of BACKGROUND_PARTS) m.backgroundFails.labels(part).inc(0);
  for (const result of NUDGE_RESULTS) m.nudges.labels(result).inc(0);
}
