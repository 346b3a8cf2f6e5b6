/**
 * What operators look at: a running controller's metrics are well named, each panel of the Grafana dashboard asks for
 * series that exist, and a real Prometheus scrapes the controller and fires an alert.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { DEFAULT_GATE } from '../../controller/domain/gate/gate.ts';
import { metricsDoc } from '../../scripts/metrics-doc.ts';
import { type Journey, withController } from '../support/controller.ts';
import { withFolder } from '../support/folder.ts';
import { call, eventually } from '../support/http.ts';
import { freePort } from '../support/process.ts';
import { aRamp } from '../support/state.ts';

const DEPLOY = path.resolve(import.meta.dirname, '../../deploy');
const installed = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;
const testWith = (program: string) => (installed(program) ? test : test.skip);

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
  readonly gridPos: { readonly x: number; readonly w: number };
}
const dashboard = JSON.parse(readFileSync(path.join(DEPLOY, 'grafana/nexmdm-ota.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
};
/** Grafana's variables, as it would fill them in. */
const filled = (expr: string): string =>
  expr.replaceAll('$job', '.*').replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m');
const queries = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr }))),
  ...dashboard.annotations.list.map(({ expr }) => ({ title: 'annotation', expr })),
].map(({ title, expr }) => ({ title, expr: filled(expr) }));

async function busy({ merge, enrol }: Journey): Promise<void> {
  await enrol(['kiosk-1']);
  await merge({ exposure: { kind: 'percent', percent: 50 } });
}

const metricsOf = async ({ admin }: Journey): Promise<string> =>
  (await admin('GET', '/metrics')).body.toString();

test('each panel of the dashboard asks for metrics that exist, and fits the page', () =>
  withController(async journey => {
    await busy(journey);
    const known = new Set([...(await metricsOf(journey)).matchAll(/^# TYPE (\S+) /gm)].map(m => m[1]));
    for (const { title, expr } of queries)
      for (const [name] of expr.matchAll(/\b(?:ota|nodejs|process)_[a-z0-9_]+/g))
        assert.ok(
          known.has(name.replace(/_(bucket|sum|count)$/, '')) || known.has(name),
          `${title}: ${name}`,
        );
    for (const { title, gridPos } of dashboard.panels) assert.ok(gridPos.x + gridPos.w <= 24, title);
  }));

test('every metric of our own is shown on the dashboard', () =>
  withController(async journey => {
    await busy(journey);
    const asked = queries.map(({ expr }) => expr).join('\n');
    const ours = [...(await metricsOf(journey)).matchAll(/^# TYPE (ota_\S+) /gm)].map(m => m[1] ?? '');
    const missing = ours.filter(name => !asked.includes(name));
    assert.equal(missing, []);
  }));

test('a gate and a hand brake are series while they stand', () =>
  withController(async journey => {
    const exposure = aRamp(undefined, [10, 24], [100]);
    if (exposure.kind !== 'ramp') throw new Error('a ramp');
    await journey.merge({ exposure: { kind: 'ramp', ramp: { ...exposure.ramp, gate: DEFAULT_GATE } } });
    await journey.controller.tick();
    const verdicts = await journey.metric('ota_gate_verdict', { build_id: 'b42', verdict: 'counting' });
    assert.is(verdicts, 1);
    assert.is(await journey.metric('ota_gate_devices', { build_id: 'b42', class: 'taken' }), 0);
    assert.is((await journey.admin('POST', '/v1/brake', { json: { reason: 'smoke' } })).status, 200);
    assert.is(await journey.metric('ota_halted', { build_id: 'b42', by: 'hand' }), 1);
    assert.is((await journey.admin('POST', '/v1/resume', { json: { reason: 'fine' } })).status, 200);
    assert.not.match(await metricsOf(journey), 'ota_halted{');
  }));

test('docs/metrics.md is what the metrics say of themselves', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
  assert.is(page, metricsDoc(), 'run npm run generate');
});

testWith('promtool')('promtool: each query is valid, and no metric is named against its rules', () =>
  withController(async journey => {
    await busy(journey);
    const metrics = spawnSync('promtool', ['check', 'metrics'], {
      input: await metricsOf(journey),
      encoding: 'utf8',
    });
    assert.is(metrics.status, 0, metrics.stdout + metrics.stderr);
    const rules = queries.map(({ expr }, i) => ({ record: `panel:${i}`, expr }));
    const file = path.join(journey.folder, 'panels.yaml');
    writeFileSync(file, stringify({ groups: [{ name: 'panels', rules }] }));
    const checked = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    assert.is(checked.status, 0, checked.stdout + checked.stderr);
  }),
);

interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string;
}

async function withPrometheus(
  journey: Journey,
  use: (api: (target: string) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  await withFolder(async folder => {
    const port = await freePort();
    const { host } = new URL(journey.controller.operatorUrl);
    writeFileSync(path.join(folder, 'token'), journey.adminToken);
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [path.join(DEPLOY, 'prometheus/rules.yaml')],
      scrape_configs: [
        {
          job_name: 'nexmdm-ota',
          authorization: { credentials_file: path.join(folder, 'token') },
          static_configs: [{ targets: [host] }],
        },
      ],
    };
    writeFileSync(path.join(folder, 'prometheus.yml'), stringify(config));
    const prometheus = spawn(
      'prometheus',
      [
        `--config.file=${path.join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${path.join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    const ended = new Promise(resolve => prometheus.once('close', resolve));
    try {
      await use(async target => {
        const answer = await fetch(`http://127.0.0.1:${port}${target}`);
        return ((await answer.json()) as { data: unknown }).data;
      });
    } finally {
      prometheus.kill('SIGKILL');
      await ended;
    }
  });
}

testWith('prometheus')(
  'a real Prometheus scrapes the controller, and wrong bytes on a device wake somebody',
  () =>
    withController(async journey => {
      await busy(journey);
      const [device] = await journey.enrol(['kiosk-2']);
      await withPrometheus(journey, async api => {
        const ask = (target: string) => api(target).catch(() => undefined);
        const value = async (expr: string): Promise<number> => {
          const found = (await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as
            | { readonly result: readonly { readonly value: readonly [number, string] }[] }
            | undefined;
          return Number(found?.result[0]?.value[1] ?? Number.NaN);
        };
        await eventually(async () => (await value('ota_verify_fail_total')) === 0);
        assert.is(await value('ota_exposure_ratio{kind="effective"}'), 0.5);
        const reported = await call(journey.url, 'POST', '/v1/action-result', {
          token: device?.token ?? '',
          json: {
            request_id: randomUUID(),
            build_id: 'b42',
            outcome: 'fail',
            reason: 'sha256_mismatch',
            version_code: 41,
          },
        });
        assert.is(reported.status, 200);
        const firing = async (): Promise<string[]> => {
          const { alerts = [] } = ((await ask('/api/v1/alerts')) ?? {}) as { alerts?: readonly Alert[] };
          return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname ?? '');
        };
        await eventually(async () => (await firing()).length > 0);
        assert.equal(await firing(), ['OtaVerifyFailures']);
      });
    }),
);

test.run();
