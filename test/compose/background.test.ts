/** Work that nobody waits for: its failures are told and counted under its own name, and nothing overlaps. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeBackground } from '../../controller/compose/background.ts';
import { makeCleanup } from '../../controller/compose/foundation.ts';
import type { Event } from '../../controller/domain/event.ts';
import { Fault } from '../../controller/domain/fault.ts';
import { makeObserver } from '../../controller/observe/observe.ts';
import { eventually } from '../support/http.ts';

function scene() {
  const events: Event[] = [];
  return { events, background: makeBackground(e => void events.push(e)) };
}

test('a failed background job is reported with its part, not as a failure of the outbox', async () => {
  const { events, background } = scene();
  background.run('exposure', async () => {
    throw new Fault('store_io', 'the database could not be read or written', { retry: 'backoff' });
  });
  background.run('github', () => {
    throw new TypeError('secret');
  });
  await background.stop();
  assert.equal(events, [
    {
      type: 'ota.background.fail',
      part: 'github',
      code: 'internal',
      message: 'unexpected error',
    },
    {
      type: 'ota.background.fail',
      part: 'exposure',
      code: 'store_io',
      message: 'the database could not be read or written',
    },
  ]);
});

test('background failures have their own counter; the former counter still counts them', async () => {
  const observer = makeObserver({ level: 'silent', destination: { write: () => undefined } });
  const background = makeBackground(observer.observe);
  const zero = (await observer.metrics()).body;
  assert.match(zero, 'ota_background_failures_total{part="retention"} 0');
  background.failed('retention', new Error('x'));
  background.failed('check_ins', new Error('x'));
  const { body } = await observer.metrics();
  assert.match(body, 'ota_background_failures_total{part="retention"} 1');
  assert.match(body, 'ota_background_failures_total{part="check_ins"} 1');
  assert.match(body, 'ota_outbox_failures_total{topic="timer",final="false"} 1');
  assert.match(body, 'ota_outbox_failures_total{topic="check-ins",final="false"} 1');
});

test('a turn is skipped while the previous one still runs, and stop waits for it', async () => {
  const { background } = scene();
  let begun = 0;
  let ended = 0;
  let release: () => void = () => undefined;
  const free = new Promise<void>(resolve => {
    release = resolve;
  });
  background.every(1, 'adoption', async () => {
    begun += 1;
    await free;
    ended += 1;
  });
  let others = 0;
  background.every(1, 'clock', () => void others++);
  await eventually(() => others > 5);
  assert.is(begun, 1);
  const stopped = background.stop();
  release();
  await stopped;
  assert.is(ended, 1);
});

test('everything is closed in reverse order, even after a failure', async () => {
  const cleanup = makeCleanup();
  const closed: string[] = [];
  cleanup.add(() => closed.push('store'));
  cleanup.add(() => {
    closed.push('source');
    throw new Error('no');
  });
  cleanup.add(async () => closed.push('doors'));
  await cleanup.run().then(
    () => assert.unreachable('the failure is told'),
    error => assert.is(error.message, 'no'),
  );
  assert.equal(closed, ['doors', 'source', 'store']);
  await cleanup.run();
  assert.is(closed.length, 3, 'a second time there is nothing to close');
});

test.run();
