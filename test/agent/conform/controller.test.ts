import { spawn } from 'node:child_process';
import { Agent as HttpAgent } from 'undici';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agentChecks } from '../../../agent/conform/agent/run.ts';
import type { ControllerCheck } from '../../../agent/conform/controller/check.ts';
import { controllerChecks } from '../../../agent/conform/controller/checks.ts';
import { World } from '../../../agent/conform/controller/world.ts';
import { WRONG_CONTROLLERS, withProxy } from '../../support/agent/wrong-controllers.ts';
import { withController } from '../../support/controller.ts';
import { agentProgram } from '../../support/programs.ts';

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
    const child = spawn(process.execPath, [agentProgram(), 'conform', ...args], {
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

test('checks that cannot be asked are reported as skipped', () =>
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

/** What a check finds of a controller; undefined: nothing. */
async function findingOf(url: string, token: string, check: ControllerCheck): Promise<string | undefined> {
  const dispatcher = new HttpAgent();
  try {
    const under = { url: new URL(url), token, deviceId: 'conform-1', sdk: 33, dispatcher, mayReport: true };
    const result = await check.run(new World(under));
    return result === 'ok' ? undefined : `skipped: ${result.skip}`;
  } catch (error) {
    // Like the command: what the controller makes impossible has failed too.
    return error instanceof Error ? error.message : String(error);
  } finally {
    await dispatcher.destroy();
  }
}

test('each check names a wrong controller of its own', () => {
  const caught = controllerChecks().map(check => check.catches);
  assert.equal([...caught].sort(), Object.keys(WRONG_CONTROLLERS).sort());
});

test('behind a proxy that turns nothing every check holds, and each wrong controller is caught', () =>
  withController(async journey => {
    await journey.merge(100);
    const [device] = await journey.enrol(['conform-1']);
    const real = { url: journey.url, token: device?.token ?? '' };
    const missed: string[] = [];
    for (const check of controllerChecks()) {
      const wrong = WRONG_CONTROLLERS[check.catches];
      if (wrong === undefined) throw new Error(`${check.name} names no wrong controller`);
      await withProxy(real, {}, async url => {
        assert.is(await findingOf(url, real.token, check), undefined, check.name);
      });
      await withProxy(real, wrong(), async url => {
        const finding = await findingOf(url, real.token, check);
        if (finding === undefined || finding.startsWith('skipped'))
          missed.push(`${check.catches}: ${finding}`);
      });
    }
    assert.equal(missed, []);
  }));

test('no --url and no --agent: exit code 2', async () => {
  const { status, err } = await conform([], { OTA_AGENT_TOKEN: 'x' });
  assert.is(status, 2);
  assert.match(err, /--url URL or --agent COMMAND/);
});

test('--list names every check of both sides', async () => {
  const { status, out } = await conform(['--list'], {});
  assert.is(status, 0);
  for (const { name } of [...controllerChecks(), ...agentChecks()]) assert.ok(out.includes(name), name);
  assert.match(out, /^agent \(\d+ checks\)/m);
  assert.match(out, /^controller \(\d+ checks\)/m);
});

test.run();
