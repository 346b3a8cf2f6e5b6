import { rename } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { ota, otaProcess, type Ran } from '../support/cli.ts';
import { type Enrolled, type Journey, type JourneyOptions, withController } from '../support/controller.ts';
import { call, eventually } from '../support/http.ts';
import { aCohort, HOUR_MS } from '../support/state.ts';

type Run = (...argv: string[]) => Promise<Ran>;

const withOperator = (
  use: (run: Run, journey: Journey) => Promise<void>,
  options: JourneyOptions = {},
): Promise<void> =>
  withController(
    journey =>
      use(
        (...argv) =>
          ota(argv, { cwd: journey.repository.folder, url: journey.url, token: journey.adminToken }),
        journey,
      ),
    options,
  );

const check = (journey: Journey, device: Enrolled | undefined, versionCode: number) =>
  call(journey.url, 'GET', `/v1/agent/update?version_code=${versionCode}&build_id=b${versionCode}&sdk=33`, {
    token: device?.token ?? '',
  });

/** A commit that the governing branch does not have yet. */
async function onBranch({ repository }: Journey, name: string): Promise<string> {
  await repository.git('checkout', '--quiet', '-b', name);
  const revision = await repository.record();
  await repository.git('checkout', '--quiet', 'main');
  return revision;
}

const onceMore = ['status', '-w', '--interval', '1s', '--timeout', '1s'] as const;

test('a watch at 0 % waits for a canary that a cohort file names', () =>
  withOperator(async (run, journey) => {
    const [canary] = await journey.enrol(['lab-1', 'd2']);
    await journey.merge(
      { exposure: { kind: 'percent', percent: 0 }, canary: { tags: [], devices: [], cohorts: ['lab'] } },
      { cohorts: [aCohort('lab', { devices: ['lab-1'] })] },
    );
    assert.is((await check(journey, canary, 41)).status, 200, 'it holds an open offer');
    const early = await run(...onceMore);
    assert.is(early.code, 3, early.err);
    assert.match(early.err, /0 of 1 canaries run b42/);
    await check(journey, canary, 42);
    const done = await run(...onceMore);
    assert.is(done.code, 0, done.err);
  }));

test('one device of seven that checked in does not finish a rollout', () =>
  withOperator(async (run, journey) => {
    const ids = Array.from({ length: 7 }, (_, i) => `d${i}`);
    const devices = await journey.enrol(ids);
    await journey.merge(100);
    await check(journey, devices[0], 42);
    const early = await run(...onceMore);
    assert.is(early.code, 3, early.err);
    assert.match(early.err, /1 of 7 exposed devices was seen in the last 72 h, and 4 are needed/);
    for (const device of devices.slice(1, 4)) await check(journey, device, 42);
    const half = await run(...onceMore);
    assert.is(half.code, 0, half.err);
    assert.match(half.err, /3 exposed devices were not seen: d4, d5, d6/);
    const all = await run(...onceMore, '--min-seen', '100');
    assert.is(all.code, 3, all.err);
  }));

test('a device that was away for longer than OTA_ACTIVE_WINDOW is not waited for', () =>
  withOperator(
    async (run, journey) => {
      const devices = await journey.enrol(['d1', 'd2']);
      await journey.merge(100);
      await check(journey, devices[1], 41);
      await journey.pass(3 * HOUR_MS);
      await check(journey, devices[0], 42);
      const done = await run(...onceMore);
      assert.is(done.code, 0, done.err);
      assert.match(done.err, /not seen: d2/);
    },
    { settings: { OTA_ACTIVE_WINDOW: '2h' } },
  ));

test('a ramp is done at its last step', () =>
  withOperator(async (run, journey) => {
    const ids = Array.from({ length: 40 }, (_, i) => `d${i}`);
    const devices = await journey.enrol(ids);
    const startMs = Date.now();
    await journey.merge({
      exposure: {
        kind: 'ramp',
        ramp: {
          startMs,
          steps: [
            { percent: 50, holdMs: HOUR_MS },
            { percent: 100, holdMs: undefined },
          ],
        },
      },
    });
    for (const device of devices)
      await check(journey, device, bucketOf(device.device_id, '') < 5000 ? 42 : 41);
    const early = await run(...onceMore);
    assert.is(early.code, 3, early.err);
    assert.match(early.err, /exposure is 50 % and changes at 20/);
    await journey.pass(HOUR_MS);
    for (const device of devices) await check(journey, device, 42);
    const done = await run(...onceMore);
    assert.is(done.code, 0, done.err);
  }));

test('a watch of a revision waits until that commit governs and then for its rollout', () =>
  withOperator(async (run, journey) => {
    const [device] = await journey.enrol(['d1']);
    await journey.merge(100);
    await check(journey, device, 42);
    const ahead = await onBranch(journey, 'next');
    const early = await run(...onceMore, '--revision', 'next');
    assert.is(early.code, 3, early.err);
    assert.match(early.err, new RegExp(`waiting for ${ahead.slice(0, 12)}: [0-9a-f]{12} is in force`));
    await journey.repository.git('merge', '--quiet', '--ff-only', 'next');
    await journey.controller.reconcile.run();
    const done = await run(...onceMore, '--revision', 'HEAD');
    assert.is(done.code, 0, done.err);
    const older = await run(...onceMore, '--revision', 'HEAD~1');
    assert.is(older.code, 0, older.err);
    const unknown = await run(...onceMore, '--revision', 'nowhere');
    assert.is(unknown.code, 2);
    assert.match(unknown.err, /\[revision_unknown\]/);
    const outside = await ota(['status', '-w', '--revision', 'HEAD'], {
      cwd: '/',
      url: journey.url,
      token: journey.adminToken,
    });
    assert.is(outside.code, 2);
    assert.match(outside.err, /\[not_a_repository\]/);
  }));

test('a refused revision ends a watch of it with 4, and is not waited for by a watch of its cure', () =>
  withOperator(async (run, journey) => {
    const [device] = await journey.enrol(['d1']);
    await journey.merge(100);
    await check(journey, device, 42);
    await journey.commitFiles({ 'rollout.yaml': 'kind: nonsense\n' });
    const refused = await run(...onceMore, '--revision', 'HEAD');
    assert.is(refused.code, 4, refused.err);
    assert.match(refused.err, /halted: revision [0-9a-f]{12} was refused: /);
    assert.is((await run(...onceMore)).code, 4);
    assert.is((await run('status')).code, 4);
    await onBranch(journey, 'cure');
    const waiting = await run(...onceMore, '--revision', 'cure');
    assert.is(waiting.code, 3, waiting.err);
    assert.match(waiting.err, /timeout: waiting for /);
  }));

test('a watch waits for a rollback to finish; one that waited for the build ends with 4', () =>
  withOperator(async (run, journey) => {
    const devices = await journey.enrol(['d1', 'd2']);
    await journey.merge(100);
    await check(journey, devices[0], 42);
    await check(journey, devices[1], 40);
    const env = { OTA_URL: journey.url, OTA_ADMIN_TOKEN: journey.adminToken };
    const watching = otaProcess(['status', '-w', '--interval', '1s', '--timeout', '60s'], {
      env,
      onErr: text => {
        if (text.includes('1 of 2 offered')) void journey.merge({ rollback: true });
      },
    });
    const over = await watching;
    assert.is(over.code, 4, over.err);
    assert.match(over.err, /halted: b42 is rolled back to b41/);
    const early = await run(...onceMore);
    assert.is(early.code, 3, early.err);
    assert.match(early.err, /0 of 1 offered devices run b41/);
    await check(journey, devices[1], 41);
    const done = await run(...onceMore);
    assert.is(done.code, 0, done.err);
    assert.match(
      done.err,
      /done: back to b41: 1 of 1 offered devices run it; 1 device on a newer version will stay there/,
    );
    const told = (await run('status')).out;
    assert.match(
      told,
      /^effect +b42 is not offered any more; devices are offered b41; devices on a newer version keep it \(1 now\)$/m,
    );
    assert.match(told, /^done +yes$/m);
  }));

test('a watch is never done while the source cannot be read', () =>
  withOperator(async (run, journey) => {
    const [device] = await journey.enrol(['d1']);
    await journey.merge(100);
    await check(journey, device, 42);
    assert.is((await run(...onceMore)).code, 0);
    await rename(journey.repository.folder, `${journey.repository.folder}.away`);
    await journey.controller.reconcile.run();
    const away = await ota(onceMore, { url: journey.url, token: journey.adminToken });
    await rename(`${journey.repository.folder}.away`, journey.repository.folder);
    assert.is(away.code, 3, away.err);
    assert.match(away.err, /1 of 1 offered devices run it; but the source cannot be read \[\w+\]/);
  }));

test('a suspend ends a watch with 4, and status says what it does', () =>
  withOperator(async (run, journey) => {
    await journey.enrol(['d1']);
    const sinceMs = Date.now() - 1000;
    await journey.merge({ suspend: { reason: 'holiday', sinceMs, untilMs: sinceMs + 8 * HOUR_MS } });
    const halted = await run('status', '-w', '--json');
    assert.is(halted.code, 4);
    assert.is(JSON.parse(halted.out).state, 'halted');
    assert.match(halted.err, /halted: all offers are suspended until .*: holiday/);
    assert.match((await run('status')).out, /^effect +no device is offered any build, not even last_safe/m);
  }));

test('too many failures end a watch with 4', () =>
  withOperator(async (run, journey) => {
    const devices = await journey.enrol(['d1', 'd2']);
    await journey.merge(100);
    for (const device of devices) await check(journey, device, 41);
    const reported = await call(journey.url, 'POST', '/v1/action-result', {
      token: devices[0]?.token ?? '',
      json: {
        request_id: 'request-1',
        build_id: 'b42',
        outcome: 'fail',
        reason: 'install_failed',
        version_code: 41,
      },
    });
    assert.is(reported.status, 200, reported.body.toString());
    const early = await run(...onceMore, '--fail-on', 'fail>2%');
    assert.is(early.code, 3, 'one report of two devices is too few for a share');
    const over = await run(...onceMore, '--fail-on', 'fail>0');
    assert.is(over.code, 4, over.err);
    assert.match(over.err, /1 of 1 device that ended an attempt failed, over fail>0: install_failed 1/);
    assert.match((await run('status')).out, /^results +0 ok, 1 failed \(install_failed 1\), 0 deferred$/m);
  }));

test('status says what a brake does, and how it is lifted', () =>
  withOperator(async (run, journey) => {
    await journey.enrol(['d1']);
    await journey.merge(100);
    const pressed = await run('brake', '--reason', 'reboots');
    assert.is(pressed.code, 0, pressed.err);
    assert.match(
      (await run('status')).out,
      /^effect +b42 is not offered any more, not even to canaries; devices that run it keep it; others are offered b41; to lift the halt: "ota resume"$/m,
    );
  }));

test('Ctrl-C is 130, and an option that needs -w says so', () =>
  withOperator(async (run, journey) => {
    await journey.merge(100);
    const stop = new AbortController();
    const watching = ota(['status', '-w', '--interval', '1h'], {
      url: journey.url,
      token: journey.adminToken,
      interrupted: stop.signal,
    });
    stop.abort();
    assert.is((await watching).code, 130);
    const alone = await run('status', '--fail-on', 'fail>2%');
    assert.is(alone.code, 2);
    assert.match(alone.err, /--fail-on needs --watch/);
  }));

const ESC = '\x1b';

/** What a terminal shows after this output: it knows "up n lines" and "clear from here". */
function screenOf(output: string): string[] {
  let lines: string[] = [];
  for (const [i, part] of output.split(`${ESC}[`).entries()) {
    const up = i === 0 ? undefined : /^(\d+)A$/.exec(part)?.[1];
    if (up !== undefined) lines = lines.slice(0, lines.length - Number(up));
    else lines.push(...part.replace(/^0J/, '').split('\n').slice(0, -1));
  }
  return lines;
}

test('on a terminal a watch draws the curve over itself, in shapes and within the width; in a pipe it prints lines', () =>
  withOperator(async (run, journey) => {
    const devices = await journey.enrol(['d1', 'd2', 'd3', 'd4']);
    await journey.merge(100);
    for (const device of devices) await check(journey, device, 41);
    const io = { cwd: journey.repository.folder, url: journey.url, token: journey.adminToken };
    let looked = 0;
    const watching = ota(['status', '-w', '--interval', '1s', '--timeout', '60s'], {
      ...io,
      columns: 60,
      onText: () => {
        looked += 1;
      },
    });
    await eventually(() => looked >= 1);
    for (const device of devices) await check(journey, device, 42);
    const { code, err } = await watching;
    assert.is(code, 0, err);
    assert.ok(err.includes(`${ESC}[`), 'it drew again over itself');
    const screen = screenOf(err);
    assert.ok(
      screen.every(line => line.length < 60),
      screen.join('\n'),
    );
    assert.is(screen.filter(line => line.startsWith('  100 % │')).length, 1, 'one picture is left');
    assert.match(screen.join('\n'), /█ 4 run b42 {2}─ 4 offered, of 4 active/);
    assert.match(screen.join('\n'), /^done: /m);
    assert.not.ok(err.includes(`${ESC}[3`), 'no colours');

    const narrow = await ota([...onceMore], { ...io, columns: 24 });
    assert.not.match(narrow.err, /│/, 'no curve where it cannot be read');
    const piped = (await run(...onceMore)).err;
    assert.not.ok(piped.includes(ESC) || piped.includes('│'));
  }));

test.run();
