import { spawn } from 'node:child_process';
import { Agent as HttpAgent } from 'undici';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ScriptedController,
  startScriptedController,
  TOKEN,
} from '../../../agent/conform/agent/scripted-controller.ts';
import { controllerChecks } from '../../../agent/conform/controller/checks.ts';
import { World } from '../../../agent/conform/controller/world.ts';
import { buildOf } from '../../support/agent/with-agent.ts';
import { withController } from '../../support/controller.ts';

interface Result {
  readonly failed: number;
  readonly skipped: number;
  readonly ok: number;
  readonly checks: { name: string; result: string; detail?: string }[];
}

function conform(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ status: number | null; out: string; err: string }> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'agent/main.ts', 'conform', ...args], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', chunk => {
      out += String(chunk);
    });
    child.stderr.on('data', chunk => {
      err += String(chunk);
    });
    child.on('close', status => resolve({ status, out, err }));
  });
}

test('the controller passes every check, with an offer and with results', () =>
  withController(async journey => {
    await journey.merge(100);
    const [device] = await journey.enrol(['conform-1']);
    const environment = { OTA_AGENT_TOKEN: device?.token ?? '' };
    const { status, out, err } = await conform(
      ['--url', journey.url, '--with-reports', '--json'],
      environment,
    );
    const result = JSON.parse(out) as Result;
    assert.equal(
      result.checks.filter(c => c.result !== 'ok'),
      [],
      err,
    );
    assert.is(result.ok, controllerChecks().length);
    assert.is(status, 0);
    assert.not.ok((out + err).includes(environment.OTA_AGENT_TOKEN));
  }));

test('what cannot be asked is said to be skipped', () =>
  withController(async journey => {
    await journey.merge({
      exposure: { kind: 'percent', percent: 10 },
      suspend: { reason: 'freeze', sinceMs: 0, untilMs: Date.now() + 3_600_000 },
    });
    const [device] = await journey.enrol(['conform-1']);
    const { status, out } = await conform(['--url', journey.url, '--json'], {
      OTA_AGENT_TOKEN: device?.token ?? '',
    });
    const result = JSON.parse(out) as Result;
    assert.is(result.failed, 0, out);
    assert.ok(result.skipped > 5);
    assert.is(status, 0);
  }));

/** Which checks a controller fails that is wrong in one way. */
async function failing(prepare: (server: ScriptedController) => void): Promise<string[]> {
  const server = await startScriptedController();
  const dispatcher = new HttpAgent();
  server.offer = buildOf(42);
  prepare(server);
  const world = new World({
    url: new URL(`${server.url}/`),
    token: TOKEN,
    deviceId: 'd',
    sdk: 33,
    dispatcher,
    mayReport: true,
  });
  const failed: string[] = [];
  try {
    // Like the command: what the controller makes impossible has failed too.
    for (const check of controllerChecks()) await check.run(world).catch(() => failed.push(check.name));
  } finally {
    await dispatcher.destroy();
    await server.close();
  }
  return failed;
}

const WRONG: [string, (server: ScriptedController) => void, string][] = [
  [
    'sends another APK than announced',
    s => (s.manifest = { sha256: '1'.repeat(64) }),
    'the_apk_is_what_was_announced',
  ],
  ['leaves a field out', s => (s.manifest = { cohort_seed: undefined }), 'an_offer_is_a_whole_manifest'],
  ['adds a field', s => (s.manifest = { extra: 1 }), 'an_offer_is_a_whole_manifest'],
  [
    'sends devices to another host',
    s => (s.manifest = { url: 'http://127.0.0.2:9/a.apk' }),
    'the_url_is_the_controllers',
  ],
  [
    'offers outside the cohort',
    s => (s.manifest = { staged_rollout_percent: 0 }),
    'the_device_is_in_its_cohort',
  ],
  [
    'ignores ranges',
    s =>
      (s.onApk = (seen, response) =>
        seen.headers.range === undefined ? 'default' : response.writeHead(200).end(s.offer?.apk)),
    'downloads_resume',
  ],
  [
    'gives a known hold again',
    s =>
      (s.onCheck = (seen, response) =>
        seen.query.get('version_code') === '2147483647'
          ? response.writeHead(204, { etag: '"none"', 'ota-decision': 'ahead' }).end()
          : 'default'),
    'a_known_hold_is_304',
  ],
];
for (const [name, prepare, check] of WRONG)
  test(`a controller that ${name} fails ${check}`, async () => {
    const right = await failing(() => {});
    const wrong = await failing(prepare);
    assert.not.ok(right.includes(check));
    assert.ok(wrong.includes(check), wrong.join(', '));
  });

test('no --url and no --agent: exit code 2', async () => {
  const { status, err } = await conform([], { OTA_AGENT_TOKEN: 'x' });
  assert.is(status, 2);
  assert.match(err, /--url URL or --agent COMMAND/);
});

test('--list names every check', async () => {
  const { status, out } = await conform(['--list'], {});
  assert.is(status, 0);
  for (const { name } of controllerChecks()) assert.ok(out.includes(name));
});

test.run();
