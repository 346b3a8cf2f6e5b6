import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type * as Api from '../../schemas/api.d.ts';
import { ota, type Ran } from '../support/cli.ts';
import { type Enrolled, type Journey, withController } from '../support/controller.ts';
import { call } from '../support/http.ts';
import { HOUR_MS } from '../support/state.ts';

const run = (journey: Journey, ...argv: string[]): Promise<Ran> =>
  ota(argv, { cwd: journey.repository.folder, url: journey.url, token: journey.adminToken });

const ok = ({ code, out, err }: Ran): string => {
  assert.is(code, 0, err);
  return out;
};

const check = (journey: Journey, { token }: Enrolled, versionCode: number) =>
  call(journey.url, 'GET', `/v1/agent/update?version_code=${versionCode}&build_id=b${versionCode}&sdk=33`, {
    token,
  });

test('the history shows who merged what, when it was applied, completed and replaced, and its verdicts', () =>
  withController(async journey => {
    assert.match((await run(journey, 'history')).err, /nothing was applied yet/);
    const [device] = await journey.enrol(['d1']);
    if (device === undefined) throw new Error('not enrolled');
    const first = await journey.merge(100);
    await check(journey, device, 42);
    await journey.pass(60_000);
    await journey.pass(60_000);
    await journey.merge({
      exposure: {
        kind: 'ramp',
        ramp: {
          startMs: undefined,
          steps: [
            { percent: 50, holdMs: HOUR_MS },
            { percent: 100, holdMs: undefined },
          ],
        },
      },
    });
    await journey.pass(61 * 60_000);
    await run(journey, 'brake', '--reason', 'reboots in the lobby');
    const { revisions } = JSON.parse(ok(await run(journey, 'history', '--json'))) as {
      revisions: Api.AppliedRevision[];
    };
    assert.is(revisions.length, 2);
    const [ramp, whole] = revisions;
    assert.is(whole?.revision, first);
    assert.is(whole?.change, 'nothing → b42 at 100 %');
    assert.is(whole?.author, 'A. Releaser');
    assert.ok(whole?.completed_at !== null && whole?.replaced_at !== null);
    assert.is(whole?.events.filter(e => e.kind === 'completed').length, 1, 'two looks, one completion');
    assert.is(ramp?.replaced_at, null);
    assert.equal(
      ramp?.events.map(e => e.kind).filter(k => k !== 'verdict'),
      ['step', 'completed', 'brake'],
    );
    const text = ok(await run(journey, 'history', '--limit', '1'));
    assert.match(text, /step 2 opened\n/);
    assert.match(text, /braked: reboots in the lobby by first$/m);
    const more = await run(journey, 'history', '--limit', '1');
    const before = /ota history --before (\d+)/.exec(more.err)?.[1] ?? '';
    const older = ok(await run(journey, 'history', '--before', before));
    assert.match(
      older,
      new RegExp(`^${first.slice(0, 12)} +\\S+ +nothing → b42 at 100 %\\n +A\\. Releaser: `),
    );
    assert.match(older, /completed \S+, replaced /);
  }));

test('failures are counted by cause, and the devices are named on demand', () =>
  withController(async journey => {
    const devices = await journey.enrol(['d1', 'd2', 'd3']);
    await journey.merge(100);
    for (const [at, device] of devices.entries()) {
      await check(journey, device, 41);
      const reason = at === 0 ? 'sha256_mismatch' : 'install_failed';
      const json = {
        request_id: `request-${at}`,
        build_id: 'b42',
        outcome: 'fail',
        reason,
        version_code: 41,
      };
      await call(journey.url, 'POST', '/v1/action-result', { token: device.token, json });
    }
    await journey.controller.store.devices.flush();
    const text = ok(await run(journey, 'failures'));
    assert.match(text, /^b42 failed on 3 devices\n/);
    assert.match(text, /^install_failed +2 +0$/m);
    assert.match(text, /^33 +3 +0$/m);
    const named = await run(journey, 'failures', 'b42', '--by', 'device', '--reason', 'install_failed');
    assert.match(ok(named), /^d2 +install_failed +33 +41 /m);
    assert.not.match(named.out, /^d1/m);
    assert.is(named.err, '2 devices\n');
    const one = await run(journey, 'failures', '--by', 'device', '--limit', '1');
    assert.match(one.err, /1 device, and more: raise --limit/);
    const counts = JSON.parse(ok(await run(journey, 'failures', '--json'))) as Api.Failures;
    assert.equal([counts.devices, counts.by_from_version], [3, [{ key: 41, devices: 3, recovered: 0 }]]);
    const wrong = await run(journey, 'failures', '--reason', 'bad luck');
    assert.is(wrong.code, 2);
    assert.match(wrong.err, /reason is not valid.*\[query_invalid\]/);
  }));

test.run();
