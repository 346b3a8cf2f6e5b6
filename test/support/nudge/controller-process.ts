/**
 * The controller in a process of its own, to be killed: as `controller/main.ts`, but its push service is the local
 * one at `FCM_PORT` and its clocks run `CLOCK_SPEED` times as fast. Its log goes to standard output.
 */
import { startController } from '../../../controller/compose/controller.ts';
import { makeObserver } from '../../../controller/observe/observe.ts';
import { readSettings } from '../../../controller/settings/read.ts';
import { fcmAt } from '../fcm.ts';

const { FCM_PORT, CLOCK_SPEED, ...environment } = process.env;
const speed = Number(CLOCK_SPEED ?? 1);
const [wallFromMs, monotonicFromMs] = [Date.now(), performance.now()];

await startController(readSettings(environment), {
  environment,
  observer: makeObserver({
    level: 'info',
    destination: { write: line => void process.stdout.write(line) },
  }),
  wallMs: () => Math.round(wallFromMs + (Date.now() - wallFromMs) * speed),
  monotonicMs: () => (performance.now() - monotonicFromMs) * speed,
  random: Math.random,
  pusher: fcmAt(Number(FCM_PORT)),
  version: 'test',
});
