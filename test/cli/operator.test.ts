import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota, type Ran } from '../support/cli.ts';
import { type Journey, withController } from '../support/controller.ts';
import { call } from '../support/http.ts';
import { aCohort } from '../support/state.ts';

type Run = (...argv: string[]) => Promise<Ran>;

/** The command line against a whole running controller. */
const withOperator = (use: (run: Run, journey: Journey) => Promise<void>): Promise<void> =>
  withController(journey =>
    use(
      (...argv) => ota(argv, { cwd: journey.folder, url: journey.url, token: journey.adminToken }),
      journey,
    ),
  );

const ok = ({ code, out, err }: Ran): string => {
  assert.is(code, 0, err);
  return out;
};

const check = (journey: Journey, token: string, versionCode: number): Promise<{ status: number }> =>
  call(journey.url, 'GET', `/v1/agent/update?version_code=${versionCode}&build_id=b${versionCode}&sdk=33`, {
    token,
  });

const report = async (journey: Journey, token: string, request_id: string): Promise<void> => {
  const json = { request_id, build_id: 'b42', outcome: 'ok', reason: 'installed', version_code: 42 };
  assert.is((await call(journey.url, 'POST', '/v1/action-result', { token, json })).status, 200);
};

test('a device is enrolled, tagged, rotated, revoked and deleted; its secrets are printed once', () =>
  withOperator(async (run, journey) => {
    await journey.merge(100);
    const enrolled = JSON.parse(
      ok(await run('device', 'enrol', 'kiosk-7', '--tag', 'qa,lab', '--tag', 'x', '--json')),
    );
    assert.is((await check(journey, enrolled.token, 41)).status, 200);
    assert.is(Buffer.from(enrolled.nudge_key, 'base64').length, 32);
    const again = await run('device', 'enrol', 'kiosk-7');
    assert.is(again.code, 2);
    assert.match(again.err, /rotate its token.*\(HTTP 409\) \[device_exists\]/);
    assert.is(
      ok(await run('device', 'tag', 'kiosk-7', '--add', 'y', '--remove', 'qa')),
      'kiosk-7: lab, x, y\n',
    );
    assert.is(ok(await run('device', 'tag', 'kiosk-7', 'one,two')), 'kiosk-7: one, two\n');
    assert.is(ok(await run('device', 'tag', 'kiosk-7', '--clear')), 'kiosk-7: no tags\n');
    const rotated = JSON.parse(ok(await run('device', 'rotate', 'kiosk-7', '--now', '--json')));
    assert.is((await check(journey, enrolled.token, 41)).status, 401);
    assert.is((await check(journey, rotated.token, 41)).status, 200);
    const shown = await run('device', 'rotate', 'kiosk-7', '--grace', '1h');
    assert.match(ok(shown), /^device {6}kiosk-7\ntoken {7}v1\.\S+\nnudge key {3}\S+\ngeneration {2}3\n$/);
    assert.match(shown.err, /not shown again/);
    assert.is(ok(await run('device', 'revoke', 'kiosk-7')), 'revoked kiosk-7\n');
    assert.is((await check(journey, rotated.token, 41)).status, 401);
    assert.match(ok(await run('device', 'list')), /^kiosk-7 +revoked/m);
    assert.is(ok(await run('device', 'delete', 'kiosk-7', '--yes')), 'deleted kiosk-7\n');
    assert.is(ok(await run('device', 'list')), '');
    for (const argv of [
      ['device', 'tag', 'kiosk-7', 'a'],
      ['device', 'rotate', 'kiosk-7'],
      ['explain', 'kiosk-7'],
      ['device', 'delete', '..', '--yes'],
    ]) {
      const { code, err } = await run(...argv);
      assert.is(code, 2, argv.join(' '));
      assert.match(err, /\[(device_not_found|path_invalid)\]/);
    }
    const logged = JSON.stringify(journey.log);
    for (const secret of [enrolled.token, enrolled.nudge_key, rotated.token, journey.adminToken])
      assert.not.ok(logged.includes(secret));
  }));

test('plan and every edit warn about a clone that is behind the controller', () =>
  withOperator(async (run, journey) => {
    await journey.merge(10, { cohorts: [aCohort('lab', { devices: ['kiosk-7'], tags: ['lab'] })] });
    const clone = path.join(journey.folder, 'clone');
    await promisify(execFile)('git', ['clone', '--quiet', journey.repository.folder, clone]);
    const there = (...argv: string[]): Promise<Ran> =>
      ota(argv, { cwd: clone, url: journey.url, token: journey.adminToken });
    assert.not.match((await there('plan')).err, /stale/);
    await journey.merge(
      { canary: { tags: ['lab'], devices: [], cohorts: ['lab'] } },
      {
        cohorts: [aCohort('lab', { devices: ['kiosk-7'], tags: ['lab'] })],
      },
    );
    for (const argv of [['plan'], ['rollout', '5', '--dry-run']]) {
      const { code, err } = await there(...argv);
      assert.is(code, 0, err);
      assert.match(err, /has applied [0-9a-f]{12}, which this clone does not have: run git pull/);
    }
    // Every way by which a device is a canary is named: whoever takes it out must know them all.
    await journey.enrol(['kiosk-7'], ['lab']);
    assert.match(
      ok(await run('explain', 'kiosk-7')),
      /^cohort +canary +tagged lab, which is in the canaries of rollout\.yaml; listed in cohorts\/lab\.yaml; tagged lab, which is in cohorts\/lab\.yaml$/m,
    );
  }));

test('many devices are imported from CSV, JSON or a list, all of them or none', () =>
  withOperator(async (run, { folder, url, adminToken }) => {
    await writeFile(path.join(folder, 'fleet.csv'), 'device_id,tags\nd-1,qa lab\nd-2,\n');
    const csv = await run('device', 'import', 'fleet.csv');
    assert.match(ok(csv), /^device_id,result,token,nudge_key\nd-1,created,v1\.\S+,\S+=\nd-2,created,/);
    assert.match(csv.err, /^2 enrolled, 0 updated\. Keep the output now/);
    await writeFile(path.join(folder, 'ids'), 'd-2\nd-3\n');
    const list = JSON.parse(ok(await run('device', 'import', 'ids', '--json')));
    assert.equal([list.created, list.updated], [1, 1]);
    const json = await ota(['device', 'import', '-'], {
      stdin: '[{"device_id":"d-4"}]',
      url,
      token: adminToken,
    });
    assert.match(ok(json), /^d-4,created/m);
    await writeFile(path.join(folder, 'bad.csv'), 'device_id\nd-5\nd 6\n');
    const bad = await run('device', 'import', 'bad.csv');
    assert.is(bad.code, 2);
    assert.match(bad.err, /nothing was imported \(HTTP 400\) \[import_invalid\]\n {2}row 2: \/device_id/);
    const listed = JSON.parse(ok(await run('device', 'list', '--json')));
    assert.equal(
      listed.map((d: { device_id: string }) => d.device_id),
      ['d-1', 'd-2', 'd-3', 'd-4'],
    );
    await ota(['device', 'import', '-'], {
      stdin: Array.from({ length: 1100 }, (_, i) => `big-${i}\n`).join(''),
      url,
      token: adminToken,
    });
    assert.is(JSON.parse(ok(await run('device', 'list', '--json'))).length, 1104);
    assert.is(JSON.parse(ok(await run('device', 'list', '--tag', 'qa', '--json'))).length, 1);
    assert.is(JSON.parse(ok(await run('device', 'list', '--limit', '3', '--json'))).length, 3);
  }));

test('what list prints can be imported again; a list from a spreadsheet too; no header becomes a device', () =>
  withOperator(async (run, { folder }) => {
    const file = async (name: string, bytes: string | Buffer) => {
      await writeFile(path.join(folder, name), bytes);
      return name;
    };
    const sheet = Buffer.from('\uFEFFDevice ID\tTags\r\nd-1\tqa lab\r\nd-2\t\r\n', 'utf16le');
    assert.match(
      (await run('device', 'import', await file('sheet.txt', sheet))).err,
      /^2 enrolled, 0 updated/,
    );
    assert.is((await run('device', 'revoke', 'd-2')).code, 0);
    for (const format of ['--csv', '--json']) {
      const listed = ok(await run('device', 'list', format));
      const again = await run('device', 'import', await file('again', listed));
      assert.match(
        again.err,
        /^0 enrolled, 1 updated\. 1 revoked and skipped: to readmit one, run ota device rotate ID --readmit/,
      );
      assert.is(ok(await run('device', 'list', format)), listed);
    }
    for (const header of ['Serial', 'ID', 'device', 'host name']) {
      const refused = await run('device', 'import', await file('ids', `${header}\nd-7\n`));
      assert.is(refused.code, 2);
      assert.match(
        refused.err,
        /line 1: "\w+( name)?" looks like a column header: name the column device_id/,
      );
    }
    const latin = await run('device', 'import', await file('latin', Buffer.from('d-\xe9\n', 'latin1')));
    assert.match(latin.err, /neither UTF-8 nor UTF-16/);
    const back = JSON.parse(ok(await run('device', 'rotate', 'd-2', '--readmit', '--json')));
    assert.is(back.generation, 2);
  }));

test('an import that takes canaries away, and revoking the token in use, ask for --yes', () =>
  withOperator(async (run, journey) => {
    await journey.merge({
      exposure: { kind: 'percent', percent: 10 },
      canary: { tags: ['qa'], devices: [], cohorts: [] },
    });
    await journey.enrol(['kiosk-7'], ['qa']);
    await writeFile(path.join(journey.folder, 'fleet.csv'), 'device_id;tags\nkiosk-7;-\n');
    const asked = await run('device', 'import', 'fleet.csv');
    assert.is(asked.code, 2);
    assert.match(
      asked.err,
      /takes 1 device out of the canaries of the rollout: kiosk-7; to do it anyway, add --yes/,
    );
    assert.is((await run('device', 'import', 'fleet.csv', '--yes')).code, 0);
    const first = await run('token', 'revoke', 'first');
    assert.match(first.err, /first is the last valid admin token.*\[confirmation_needed\]/);
    assert.is(ok(await run('token', 'revoke', 'first', '--yes')), 'revoked first\n');
  }));

test('operators’ tokens are created, listed and revoked; scopes hold', () =>
  withOperator(async (run, journey) => {
    const reader = ok(await run('token', 'create', 'ci')).trim();
    const asReader = (...argv: string[]) => ota(argv, { url: journey.url, token: reader });
    assert.is((await asReader('device', 'list')).code, 0);
    const denied = await asReader('device', 'enrol', 'd1');
    assert.is(denied.code, 2);
    assert.match(denied.err, /\[scope_missing\]\n {2}this token lacks the scope/);
    assert.match(ok(await run('token', 'list')), /^ci +read +\S+ +valid$/m);
    assert.is(ok(await run('token', 'revoke', 'ci')), 'revoked ci\n');
    const ended = await asReader('device', 'list');
    assert.is(ended.code, 2);
    assert.match(
      ended.err,
      /HTTP 401\) \[token_\w+\]\n {2}check that OTA_ADMIN_TOKEN belongs to this controller/,
    );
    assert.not.ok(ended.err.includes(reader));
    assert.is((await run('token', 'revoke', 'ci')).code, 2);
  }));

test('status, explain and reconcile say what stands and why', () =>
  withOperator(async (run, journey) => {
    // The first look at the empty repository has ended, whatever the machine is busy with.
    await journey.controller.reconcile.run();
    const early = await run('status');
    assert.is(early.code, 4);
    assert.match(
      early.out,
      /refused: revision [0-9a-f]{12} is not applied; nothing is in force yet\n.*error /,
    );
    await journey.merge({
      exposure: { kind: 'percent', percent: 10 },
      canary: { tags: ['qa'], devices: [], cohorts: [] },
    });
    const [device] = await journey.enrol(['kiosk-7'], ['qa']);
    await check(journey, device?.token ?? '', 41);
    await journey.controller.store.devices.flush();
    const told = ok(await run('status'));
    assert.match(told, /^current +b42$/m);
    assert.match(told, /^exposure +10 %$/m);
    assert.match(told, /^devices +1 enrolled, 1 active, 0 run b42, 0\.0 % of active$/m);
    assert.match(told, /^b41 .*last_safe +1 /m);
    assert.is(JSON.parse(ok(await run('status', '--json'))).rollout.current, 'b42');
    const why = ok(await run('explain', 'kiosk-7'));
    assert.match(why, /^kiosk-7: offer b42 \(canary\)\ntags qa; last seen /);
    assert.match(why, /^cohort +canary +tagged qa, which is in the canaries of rollout\.yaml$/m);
    assert.is(JSON.parse(ok(await run('explain', 'kiosk-7', '--json'))).decision.eligible_by, 'canary');
    for (const request of ['request-0001', 'request-0002', 'request-0003'])
      await report(journey, device?.token ?? '', request);
    assert.match(
      ok(await run('explain', 'kiosk-7')),
      /^repeated: it has installed b42 3 times since .*; the installed build does not stay on it$/m,
    );
    assert.match(ok(await run('status')), /^results +1 ok, 0 failed, 0 deferred$/m);
    assert.match(ok(await run('reconcile')), /^applied [0-9a-f]{12}\n$/);
    await journey.repository.commit({ 'rollout.yaml': 'kind: nonsense\n' });
    const refused = await run('reconcile');
    assert.is(refused.code, 1);
    assert.match(refused.out, /^rollout\.yaml:\d+:\d+: error /);
    assert.match(refused.err, /refused: revision [0-9a-f]{12}; [0-9a-f]{12} is still in force/);
    const after = await run('status');
    assert.is(after.code, 4);
    assert.match(after.out, /refused: revision .* is not applied; the revision above is still in force/);
    assert.is(ok(await run('reconcile', '--no-wait')), 'woken\n');
  }));

test('promote searches the seed on the enrolled fleet and shows real counts beside nominal ones', () =>
  withOperator(async (_run, journey) => {
    await journey.merge({ current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } });
    await journey.enrol(Array.from({ length: 60 }, (_, i) => `tablet-${i}`));
    const { code, out, err } = await ota(['promote', 'b42', '--percent', '10'], {
      cwd: journey.repository.folder,
      url: journey.url,
      token: journey.adminToken,
    });
    assert.is(code, 0, err);
    assert.match(
      err,
      /cohort_seed b42\.\d+: every step within \d\.\d points on 60 enrolled devices \(\d+ tried\)/,
    );
    assert.match(out, /10 % {2}[567] devices \(nominal 6\)/);
    const seed = /cohort_seed (\S+):/.exec(err)?.[1];
    assert.match(
      await readFile(path.join(journey.repository.folder, 'releases/rollout.yaml'), 'utf8'),
      new RegExp(`cohort_seed: "?${seed}"?`),
    );
  }));

test('a watch outlives a controller that is away for a moment', () =>
  withOperator(async (_run, journey) => {
    const gone = { cwd: journey.folder, url: 'http://127.0.0.1:9', token: journey.adminToken };
    const away = await ota(['status', '-w', '--interval', '1s', '--timeout', '1s'], gone);
    assert.is(away.code, 3);
    assert.match(away.err, /^cannot reach the controller[\s\S]*\ntimeout: cannot reach/);
  }));

test('backup copies the database while the controller runs, and overwrites nothing', () =>
  withOperator(async (run, { folder, enrol }) => {
    await enrol(['d1']);
    assert.match(ok(await run('backup', 'copy.db', '--data', 'data')), /^wrote .*\/copy\.db\n$/);
    assert.is((await readFile(path.join(folder, 'copy.db'))).subarray(0, 15).toString(), 'SQLite format 3');
    assert.is((await stat(path.join(folder, 'copy.db'))).mode & 0o777, 0o600);
    const again = await run('backup', 'copy.db', '--data', 'data');
    assert.is(again.code, 2);
    assert.match(again.err, /\[backup_exists\]/);
    assert.match((await run('backup', 'other.db', '--data', 'nowhere')).err, /\[backup_no_database\]/);
  }));

test('an up-to-date device is not shown in yellow; one outside the rollout is', () =>
  withController(async journey => {
    await journey.merge(0);
    const devices = await journey.enrol(['current', 'outside']);
    await check(journey, devices[0]?.token ?? '', 42);
    await check(journey, devices[1]?.token ?? '', 41);
    await journey.controller.store.devices.flush();
    const { url, adminToken: token, folder: cwd } = journey;
    const firstLine = async (id: string): Promise<string> =>
      ok(await ota(['explain', id], { cwd, url, token, colour: true })).split('\n')[0] ?? '';
    const yellow = '\u001b[33m';
    const [current, outside] = [await firstLine('current'), await firstLine('outside')];
    assert.ok(current.includes('hold up_to_date') && !current.includes(yellow), current);
    assert.ok(outside.includes(`${yellow}hold `), outside);
  }));

test.run();
