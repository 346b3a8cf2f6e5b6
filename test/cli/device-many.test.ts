import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type * as Api from '../../schemas/api.d.ts';
import { ota, type Ran } from '../support/cli.ts';
import { type Enrolled, type Journey, withController } from '../support/controller.ts';
import { call } from '../support/http.ts';
import { DAY_MS } from '../support/state.ts';

const run = (journey: Journey, ...argv: string[]): Promise<Ran> =>
  ota(argv, { cwd: journey.folder, url: journey.url, token: journey.adminToken });

const ok = ({ code, out, err }: Ran): string => {
  assert.is(code, 0, err);
  return out;
};

const check = (journey: Journey, { token }: Enrolled, versionCode: number) =>
  call(journey.url, 'GET', `/v1/agent/update?version_code=${versionCode}&build_id=b${versionCode}&sdk=33`, {
    token,
  });

const report = (journey: Journey, { token }: Enrolled, requestId: string, outcome: string, reason: string) =>
  call(journey.url, 'POST', '/v1/action-result', {
    token,
    json: {
      request_id: requestId,
      build_id: 'b42',
      outcome,
      reason,
      version_code: outcome === 'ok' ? 42 : 41,
    },
  });

const ids = async (journey: Journey, ...filter: string[]): Promise<string[]> =>
  (
    JSON.parse(ok(await run(journey, 'device', 'list', ...filter, '-o', 'json'))) as { device_id: string }[]
  ).map(d => d.device_id);

test('devices are listed by what they run, by their newest attempt and by when they were seen', () =>
  withController(async journey => {
    const devices = await journey.enrol(['d1', 'd2', 'd3', 'd4']);
    const [d1, d2, d3] = devices as [Enrolled, Enrolled, Enrolled];
    await journey.merge(100);
    await check(journey, d1, 41);
    await journey.pass(3 * DAY_MS);
    await check(journey, d2, 42);
    await check(journey, d3, 41);
    await report(journey, d2, 'request-a', 'fail', 'install_failed');
    await journey.pass(60_000);
    await report(journey, d2, 'request-b', 'ok', 'installed');
    await report(journey, d3, 'request-c', 'fail', 'sha256_mismatch');
    await journey.controller.store.devices.flush();
    assert.equal(await ids(journey, '--build', 'b41'), ['d1', 'd3']);
    assert.equal(await ids(journey, '--outcome', 'fail'), ['d3'], 'd2 has succeeded since');
    assert.equal(await ids(journey, '--build', 'b42', '--outcome', 'ok'), ['d2']);
    assert.equal(await ids(journey, '--reason', 'sha256_mismatch'), ['d3']);
    assert.equal(await ids(journey, '--last-seen', '1d'), ['d2', 'd3']);
    assert.equal(await ids(journey, '--prefix', 'd1'), ['d1']);
    assert.equal(await ids(journey, '--not-seen-for', '2d'), ['d1', 'd4'], 'never seen counts');
    assert.equal(await ids(journey, '--not-seen-for', '2d', '--build', 'b41'), ['d1']);
    const wide = ok(await run(journey, 'device', 'list', '-o', 'wide', '--limit', '1'));
    assert.match(
      wide,
      /^device +state +tags +runs +last seen +version +API level +signer +push +generation +enrolled\n/,
    );
    assert.match(wide, /^d1 +b41 +\S+Z +41 +33 +no +1 +\S+Z$/m);
    const csv = ok(await run(journey, 'device', 'list', '-o', 'csv', '--build', 'b42'));
    assert.is(csv.split('\n').length, 3);
    const wrong = await run(journey, 'device', 'list', '--reason', 'bad luck');
    assert.match(wrong.err, /reason is not valid.*\[query_invalid\]/);
  }));

test('many devices are tagged, revoked and deleted by a filter or a file: counts first, then --yes', () =>
  withController(async journey => {
    await journey.enrol(['d1', 'd2'], ['lab']);
    await journey.enrol(['d3']);
    await journey.merge({ canary: { tags: ['qa'], devices: [], cohorts: [] } });
    await writeFile(path.join(journey.folder, 'some.csv'), 'device_id\nd1\nd3\nstranger\n');
    const tagged = async (): Promise<string[]> => ids(journey, '--tag', 'qa');

    const dry = await run(journey, 'device', 'tag', '--file', 'some.csv', '--add', 'qa', '--dry-run');
    assert.is(ok(dry), '');
    assert.match(dry.err, /^3 devices: 2 to tag; 1 not enrolled \(stranger\)\n$/);
    const unsure = await run(journey, 'device', 'tag', '--file', 'some.csv', '--add', 'qa');
    assert.is(unsure.code, 2);
    assert.match(
      unsure.err,
      /nothing was changed \[confirmation_needed\]\n {2}to make the change, add --yes/,
    );
    assert.equal(await tagged(), []);
    assert.is(
      ok(await run(journey, 'device', 'tag', '--file', 'some.csv', '--add', 'qa', '--yes')),
      'tagged 2 devices\n',
    );
    assert.equal(await tagged(), ['d1', 'd3']);
    const again = await run(journey, 'device', 'tag', '--file', 'some.csv', '--add', 'qa', '--yes');
    assert.match(again.err, /0 to tag; 2 need no change/);

    const leave = await run(journey, 'device', 'tag', '--tag', 'qa', '--remove', 'qa', '--dry-run', '--json');
    assert.match(leave.err, /2 would leave the canaries of the rollout/);
    assert.is((JSON.parse(leave.out) as Api.DeviceBulkResult).leaving_canaries, 2);

    assert.is(ok(await run(journey, 'device', 'revoke', '--tag', 'lab', '--yes')), 'revoked 2 devices\n');
    assert.is(journey.controller.store.devices.auth('d2')?.revoked, true);
    const gone = await run(journey, 'device', 'delete', '--tag', 'lab', '--yes');
    assert.match(gone.err, /2 to delete; their history is deleted for good/);
    assert.is(ok(gone), 'deleted 2 devices\n');
    assert.equal(await ids(journey), ['d3']);
    const none = await run(journey, 'device', 'delete', '--tag', 'lab');
    assert.match(none.err, /no device matches/);
    assert.is(none.code, 0);

    const events = (await journey.admin('GET', '/v1/events?limit=100')).json as Api.EventList;
    const of = (action: string) =>
      events.events.filter(e => e.action === action).map(e => [e.actor, e.subject]);
    assert.equal(of('device.tags'), [
      ['admin:first', 'd3'],
      ['admin:first', 'd1'],
    ]);
    assert.equal(of('device.revoke').length, 2);
    assert.equal(of('device.delete').length, 2);
  }));

test('one device or many, and nothing is changed by a request that does not say so', () =>
  withController(async journey => {
    await journey.enrol(['d1']);
    for (const argv of [
      ['device', 'revoke'],
      ['device', 'delete', '--yes'],
      ['device', 'tag', '--add', 'x'],
      ['device', 'revoke', 'd1', '--tag', 'qa'],
      ['device', 'tag', '--tag', 'qa', '--clear'],
    ])
      assert.is((await run(journey, ...argv)).code, 2, argv.join(' '));
    const bulk = (json: unknown, query = '') => journey.admin('POST', `/v1/devices/bulk${query}`, { json });
    assert.is((await bulk({ action: 'delete', devices: ['d1'] })).json.code, 'confirmation_needed');
    assert.is((await bulk({ action: 'tag', devices: ['d1'] }, '?yes=true')).json.code, 'body_invalid');
    const many = Array.from({ length: 1001 }, (_, i) => `d${i}`);
    assert.is((await bulk({ action: 'delete', devices: many }, '?yes=true')).json.code, 'body_invalid');
    assert.equal(await ids(journey), ['d1']);
  }));

test('more than a page of devices is changed, a thousand at a time', () =>
  withController(async journey => {
    const names = Array.from({ length: 2_500 }, (_, i) => `d${String(i).padStart(5, '0')}`);
    await journey.enrol(names);
    await journey.enrol(['z-last'], ['rare']);
    assert.equal(await ids(journey, '--tag', 'rare'), ['z-last']);
    const done = await run(
      journey,
      'device',
      'tag',
      '--not-seen-for',
      '1d',
      '--add',
      'cold',
      '--yes',
      '--json',
    );
    assert.is((JSON.parse(ok(done)) as Api.DeviceBulkResult).changed, 2_501);
    assert.is((await ids(journey, '--tag', 'cold')).length, 2_501);
  }));

test.run();
