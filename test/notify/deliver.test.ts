/** Promised notices over real https: signed, tried again, given up, and one that is dead holds up nobody. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Notice } from '../../controller/domain/notice/notice.ts';
import { NOTICE_FORMS } from '../../controller/domain/notice/notice.ts';
import { topicOf } from '../../controller/notify/destination.ts';
import { makeObserver } from '../../controller/observe/observe.ts';
import type { OutboxHandler } from '../../controller/ports/index.ts';
import { eventually } from '../support/http.ts';
import { noticesWith } from '../support/notify/notices.ts';
import { type Receiver, SECRET, SECRET_PATH, withReceiver } from '../support/notify/receiver.ts';
import { aDestination, type NotifyScene, withNotifications } from '../support/notify/scene.ts';
import { DAY_MS, HOUR_MS } from '../support/state.ts';

const HALTED = noticesWith('reboots in the lobby').find(n => n.kind === 'halted') as Notice;
const COMPLETED = noticesWith('').find(n => n.kind === 'completed') as Notice;

/** `sent ops`, `retry ops code`, `gave_up ops code` of each try, in order. */
const told = ({ events }: NotifyScene): string[] =>
  events.flatMap(e => {
    if (e.type === 'ota.notify.sent') return [`sent ${e.destination}`];
    if (e.type === 'ota.notify.retry') return [`retry ${e.destination} ${e.code}`];
    return e.type === 'ota.notify.gave_up' ? [`gave_up ${e.destination} ${e.code}`] : [];
  });

const pending = async ({ store }: NotifyScene, name = 'ops'): Promise<number> =>
  (await store.outbox.pending(topicOf({ name }))).length;

test('each kind arrives at each service, valid by its published form and signed as the reference library checks', async () => {
  for (const service of NOTICE_FORMS)
    await withReceiver(
      service,
      receiver =>
        withNotifications([aDestination(receiver.url, { service })], async scene => {
          for (const notice of noticesWith('<!channel> & “quotes”')) await scene.tell(notice);
          // A test message is asked for, never promised by a change.
          assert.is(receiver.received.length, 6);
          assert.equal(receiver.violations, []);
          assert.is(new Set(receiver.received.map(d => d.headers['webhook-id'])).size, 6);
          assert.is(await pending(scene), 0);
        }),
      { secret: SECRET },
    );
});

test('without a secret nothing claims to be signed; with a wrong one the reference library refuses', async () => {
  await withReceiver('slack', receiver =>
    withNotifications([aDestination(receiver.url, { service: 'slack', key: undefined })], async scene => {
      await scene.tell(HALTED);
      assert.is(receiver.received[0]?.headers['webhook-signature'], undefined);
      assert.equal(receiver.violations, []);
    }),
  );
  await withReceiver(
    'generic',
    receiver =>
      withNotifications(
        [aDestination(receiver.url, { key: Buffer.alloc(32) })],
        async scene => {
          await scene.tell(HALTED);
          assert.match(receiver.violations.join(), /signature/i);
        },
        { timeoutMs: 300 },
      ),
    { secret: SECRET },
  );
});

test('a destination gets only the kinds of notices that it asked for', () =>
  withReceiver('generic', receiver =>
    withNotifications([aDestination(receiver.url, { kinds: new Set(['completed']) })], async scene => {
      for (const notice of noticesWith('')) await scene.tell(notice);
      assert.equal(
        receiver.received.map(d => d.json.type),
        ['rollout.completed'],
      );
    }),
  ));

test('a failed delivery is retried after a growing wait, with the same id and a new time', () =>
  withReceiver(
    'generic',
    receiver =>
      withNotifications([aDestination(receiver.url)], async scene => {
        receiver.answer = () => 503;
        await scene.tell(HALTED);
        await scene.pass(499);
        assert.is(receiver.requests, 1);
        await scene.pass(1);
        await scene.pass(1_000);
        assert.is(receiver.requests, 3);
        receiver.answer = () => 202;
        await scene.pass(2_000);
        assert.equal(told(scene), [...Array(3).fill('retry ops destination_failed'), 'sent ops']);
        assert.is(await pending(scene), 0);
        assert.equal(receiver.violations, []);
      }),
    { secret: SECRET },
  ));

test('Retry-After is obeyed, up to an hour', () =>
  withReceiver('slack', receiver =>
    withNotifications([aDestination(receiver.url, { service: 'slack' })], async scene => {
      receiver.answer = () => [429, { 'retry-after': '90' }];
      await scene.tell(HALTED);
      await scene.pass(89_999);
      assert.is(receiver.requests, 1);
      receiver.answer = () => [429, { 'retry-after': '999999999' }];
      await scene.pass(1);
      receiver.answer = () => 200;
      await scene.pass(HOUR_MS);
      assert.equal(told(scene), ['retry ops destination_busy', 'retry ops destination_busy', 'sent ops']);
    }),
  ));

test('the answer decides: refused bodies are given up, other failures are retried, redirects are not followed', () =>
  withReceiver('generic', elsewhere =>
    withReceiver('generic', async receiver => {
      const answers: readonly [Receiver['answer'], string][] = [
        [() => 400, 'gave_up ops destination_rejected'],
        [() => 413, 'gave_up ops destination_rejected'],
        [() => [302, { location: elsewhere.url }], 'retry ops destination_redirects'],
        [() => [307, { location: elsewhere.url }], 'retry ops destination_redirects'],
        [() => 401, 'retry ops destination_forbidden'],
        [() => 404, 'retry ops destination_gone'],
        [() => 410, 'retry ops destination_gone'],
        [() => 418, 'retry ops destination_refused'],
        [() => 'hang', 'retry ops destination_timeout'],
      ];
      for (const [answer, expected] of answers)
        await withNotifications(
          [aDestination(receiver.url)],
          async scene => {
            receiver.answer = answer;
            await scene.tell(HALTED);
            assert.equal(told(scene), [expected]);
          },
          { timeoutMs: expected.endsWith('timeout') ? 100 : 5_000 },
        );
      assert.is(elsewhere.requests, 0);
    }),
  ));

test('a certificate of an unknown authority is refused, and so is one of another name', () =>
  withReceiver('generic', receiver =>
    // The certificate is for 127.0.0.1.
    withReceiver(
      'generic',
      async misnamed => {
        for (const destination of [aDestination(receiver.url, { ca: undefined }), aDestination(misnamed.url)])
          await withNotifications([destination], async scene => {
            await scene.tell(HALTED);
            assert.equal(told(scene), ['retry ops destination_certificate']);
            assert.is(receiver.requests + misnamed.requests, 0);
          });
      },
      { host: '127.0.0.2' },
    ),
  ));

test('after 24 hours a notice is given up, with an event, a counter and the row, and never sent again', () =>
  withReceiver('generic', receiver =>
    withNotifications([aDestination(receiver.url)], async scene => {
      receiver.answer = () => 500;
      await scene.tell(HALTED);
      await scene.pass(DAY_MS - 1);
      assert.is(await pending(scene), 1);
      await scene.pass(1);
      assert.is(await pending(scene), 0);
      assert.equal(told(scene).slice(-2), ['retry ops destination_failed', 'gave_up ops destination_failed']);
      receiver.answer = () => 200;
      await scene.pass(DAY_MS);
      assert.is(receiver.received.length, 0);
      const { observe, metrics } = makeObserver({ level: 'silent', destination: { write: () => undefined } });
      observe({ type: 'ota.notify.on', destination: 'ops', service: 'generic', kinds: [] });
      assert.match((await metrics()).body, 'ota_notifications_total{destination="ops",result="gave_up"} 0');
      for (const event of scene.events) observe(event);
      assert.match((await metrics()).body, 'ota_notifications_total{destination="ops",result="gave_up"} 1');
    }),
  ));

test('a destination that hangs delays neither another one nor nudges nor GitHub', () =>
  withReceiver('generic', dead =>
    withReceiver('slack', async alive => {
      dead.answer = () => 'hang';
      const handled: string[] = [];
      const other = (topic: string): OutboxHandler => ({
        topic,
        handle: async () => {
          handled.push(topic);
          return 'done';
        },
      });
      await withNotifications(
        [
          aDestination(dead.url, { name: 'dead' }),
          aDestination(alive.url, { name: 'alive', service: 'slack' }),
        ],
        async scene => {
          const rows = [HALTED, COMPLETED].flatMap(n => scene.notifications.promise(n));
          const others = ['nudge', 'github'].map(topic => ({
            topic,
            key: 'k',
            payload: null,
            notBeforeMs: 0,
          }));
          await scene.store.outbox.add([...rows, ...others]);
          scene.outbox.wake();
          await eventually(() => alive.received.length === 2 && handled.length === 2 && dead.requests === 1);
          assert.is(await pending(scene, 'dead'), 2, 'its own queue waits');
          assert.is(dead.requests, 1);
        },
        { timeoutMs: 60_000, more: [other('nudge'), other('github')] },
      );
    }),
  ));

test('the end of the process interrupts a try, and the notice stays promised', () =>
  withReceiver('generic', receiver =>
    withNotifications(
      [aDestination(receiver.url)],
      async scene => {
        receiver.answer = () => 'hang';
        await scene.store.outbox.add(scene.notifications.promise(HALTED));
        scene.outbox.wake();
        await eventually(() => receiver.requests === 1);
        await scene.outbox.stop();
        assert.is(await pending(scene), 1);
        assert.equal(told(scene), []);
      },
      { timeoutMs: 60_000 },
    ),
  ));

test('no URL and no secret of a destination is in the outbox, in an event or in an error', () =>
  withReceiver('generic', receiver =>
    withNotifications([aDestination(receiver.url)], async scene => {
      receiver.answer = () => 500;
      await scene.tell(HALTED);
      const rows = await scene.store.outbox.pending('notify:ops');
      const kept = JSON.stringify([rows, scene.events]);
      for (const secret of [SECRET_PATH, 's3cr3t', SECRET, SECRET.replace('whsec_', '')])
        assert.not.ok(kept.includes(secret));
      assert.match(kept, '"notify:ops"');
    }),
  ));

test('a device id in a reason is removed from notices, and the other words stay', () =>
  withReceiver('generic', receiver =>
    withNotifications(
      [aDestination(receiver.url)],
      async scene => {
        const reason = 'kiosk-7, kiosk-8: and (kiosk-77) reboot; see kiosk-7.';
        await scene.tell({ ...HALTED, reason } as Notice);
        assert.is(
          receiver.received[0]?.json.data.reason,
          '[device], [device]: and (kiosk-77) reboot; see [device].',
        );
      },
      { devices: ['kiosk-7', 'kiosk-8'] },
    ),
  ));

test.run();
