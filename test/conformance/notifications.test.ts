/** Notifications on the controller as it is wired: promised with their cause, told without devices, tested by an operator. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota } from '../support/cli.ts';
import { type Journey, withController } from '../support/controller.ts';
import { withFolder } from '../support/folder.ts';
import { call } from '../support/http.ts';
import { AUTHORITY, type Receiver, SECRET, SECRET_PATH, withReceiver } from '../support/notify/receiver.ts';

interface Scene {
  readonly generic: Receiver;
  readonly slack: Receiver;
  readonly journey: Journey;
  /** Lets the outbox work until nothing is due. */
  drain(): Promise<void>;
  /** Types of what the generic receiver was told, in order. */
  kinds(): string[];
  /** Writes OTA_NOTIFY_FILE anew; it is read at the next start. */
  configure(destinations: readonly Record<string, unknown>[]): Promise<void>;
}

const withScene = (use: (scene: Scene) => Promise<void>): Promise<void> =>
  withReceiver(
    'generic',
    generic =>
      withReceiver('slack', slack =>
        withFolder(async folder => {
          const file = path.join(folder, 'notify.json');
          const configure: Scene['configure'] = destinations =>
            writeFile(file, JSON.stringify({ from: 'the test', destinations }));
          await configure([
            { name: 'log', service: 'generic', url: generic.url, secret: SECRET, ca_file: AUTHORITY },
            { name: 'ops', service: 'slack', url: slack.url, kinds: ['halted'], ca_file: AUTHORITY },
          ]);
          await withController(
            async journey => {
              // The repository holds no release yet, and that is told.
              await journey.controller.reconcile.run();
              await journey.controller.outbox.drain();
              assert.equal(
                generic.received.splice(0).map(d => d.json.type),
                ['rollout.refused'],
              );
              await use({
                generic,
                slack,
                journey,
                drain: () => journey.controller.outbox.drain(),
                kinds: () => generic.received.map(d => d.json.type),
                configure,
              });
              assert.equal([generic.violations, slack.violations], [[], []]);
            },
            { settings: { OTA_NOTIFY_FILE: file } },
          );
        }),
      ),
    { secret: SECRET },
  );

test('each kind of notice is sent when it happens: applied, refused, completed, spike, halted, reverted', () =>
  withScene(async ({ generic, slack, journey, drain, kinds }) => {
    const [first, ...others] = await journey.enrol(['kiosk-1', 'kiosk-2', 'kiosk-3', 'kiosk-4']);
    const merged = await journey.merge({
      exposure: { kind: 'percent', percent: 100 },
      reason: 'asked for by kiosk-1',
    });
    await journey.commitFiles({ 'releases/rollout.yaml': 'kind: Rollout\nbroken: kiosk-2\n' });
    await drain();
    assert.equal(kinds(), ['rollout.applied', 'rollout.refused']);
    const [applied, refused] = generic.received.map(d => d.json);
    assert.equal(
      [applied.from, applied.data.revision, applied.data.reason],
      ['the test', merged, 'asked for by [device]'],
    );
    assert.is(refused.data.standing_revision, merged);

    const check = (token: string, build: string) =>
      call(journey.url, 'GET', `/v1/agent/update?version_code=${build.slice(1)}&build_id=${build}`, {
        token,
      });
    for (const device of [first, ...others]) await check(device?.token ?? '', 'b42');
    await journey.pass(10_000);
    await drain();
    assert.equal(kinds().slice(2), ['rollout.completed']);
    assert.equal([generic.received[2]?.json.data.running, generic.received[2]?.json.data.offered], [4, 4]);

    for (const { token } of others)
      await call(journey.url, 'POST', '/v1/action-result', {
        token,
        json: {
          request_id: 'request-1',
          build_id: 'b42',
          outcome: 'fail',
          reason: 'install_failed',
          detail: 'hunter2 of kiosk-3',
          version_code: 41,
        },
      });
    await journey.pass(60_000);
    await journey.admin('POST', '/v1/brake', { json: { reason: 'kiosk-4 reboots <!channel>' } });
    await journey.merge({ rollback: true });
    // Nobody is made to go back, so the rollback is done with the next count.
    await journey.pass(10_000);
    await drain();
    assert.equal(kinds().slice(3), [
      'rollout.failure_spike',
      'rollout.halted',
      'rollout.reverted',
      'rollout.completed',
    ]);
    const [spike, halted, reverted] = generic.received.slice(3).map(d => d.json.data);
    assert.equal([spike.failed, spike.ended], [3, 3]);
    assert.equal([halted.by, halted.reason], ['admin:first', '[device] reboots <!channel>']);
    assert.equal([reverted.from_build_id, reverted.build_id], ['b42', 'b41']);

    assert.is(slack.received.length, 1, 'it asked for halts alone');
    assert.match(slack.received[0]?.body ?? '', /\[device\] reboots &lt;!channel&gt;/);
    const sent = JSON.stringify([generic.received, slack.received]);
    assert.not.match(sent, /kiosk|hunter2/);
    const log = JSON.stringify([journey.log, (await journey.admin('GET', '/v1/events')).json]);
    for (const secret of [SECRET_PATH, SECRET]) assert.not.ok(log.includes(secret));
    assert.is(await journey.metric('ota_notifications_total', { destination: 'log', result: 'sent' }), 8);
    assert.is(await journey.metric('ota_notifications_total', { destination: 'ops', result: 'gave_up' }), 0);
  }));

test('ota notify test prints the result, is audited, and needs scope admin', () =>
  withScene(async ({ generic, slack, journey, drain }) => {
    const run = (...argv: string[]) =>
      ota(['notify', 'test', ...argv], { cwd: journey.folder, url: journey.url, token: journey.adminToken });
    const all = await run();
    assert.equal([all.code, all.out], [0, 'log (generic): sent\nops (slack): sent\n']);
    slack.answer = () => 404;
    const failed = await run('ops', '--json');
    assert.is(failed.code, 1);
    assert.equal(JSON.parse(failed.out), {
      results: [{ destination: 'ops', service: 'slack', result: 'failed', code: 'destination_gone' }],
    });
    assert.equal(
      generic.received.map(d => d.json),
      [
        {
          type: 'notification.test',
          timestamp: generic.received[0]?.json.timestamp,
          from: 'the test',
          data: { by: 'admin:first' },
        },
      ],
    );
    await drain();
    assert.equal(await journey.controller.store.outbox.waiting(), [], 'a test is not tried again');
    const none = await run('nobody');
    assert.equal([none.code, /there are: log, ops.*\[destination_not_found\]/.test(none.err)], [2, true]);
    const rows = (await journey.controller.store.audit.list({ limit: 9 })).filter(
      r => r.action === 'notify.test',
    );
    assert.equal(
      rows.map(r => [r.actor, r.subject]),
      [
        ['admin:first', 'ops'],
        ['admin:first', 'all'],
      ],
    );
    const json = { name: 'reader', scopes: ['read', 'brake'], expires_in_s: 600 };
    const { token } = (await journey.admin('POST', '/v1/admin-tokens', { json })).json as { token: string };
    const refused = await call(journey.url, 'POST', '/v1/notify/test', { token, json: {} });
    assert.equal([refused.status, refused.json.code], [403, 'scope_missing']);
  }));

test('a restart keeps waiting notices; those to a removed destination are given up', () =>
  withScene(async ({ generic, journey, configure, kinds }) => {
    generic.answer = () => 500;
    await journey.merge(100);
    await journey.admin('POST', '/v1/brake', { json: { reason: 'x' } });
    await journey.controller.outbox.drain();
    generic.answer = () => 200;
    await journey.restart();
    await journey.pass(60_000);
    await journey.controller.outbox.drain();
    assert.equal(kinds(), ['rollout.applied', 'rollout.halted']);
    generic.answer = () => 500;
    await journey.merge(50);
    await journey.controller.outbox.drain();
    await configure([]);
    await journey.restart();
    assert.equal(await journey.controller.store.outbox.waiting(), []);
    const [given] = journey.log.filter(l => l.event === 'ota.notify.gave_up');
    assert.equal([given?.destination, given?.kind, given?.code], ['log', 'applied', 'destination_removed']);
    const off = await journey.admin('POST', '/v1/notify/test', { json: {} });
    assert.equal([off.status, off.json.code], [409, 'notify_off']);
  }));

test.run();
