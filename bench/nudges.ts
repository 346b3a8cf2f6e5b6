/**
 * How many nudges a second are sent: `node --import tsx bench/nudges.ts [messages]` (default 20,000).
 * The push service is the local stand-in in a process of its own, over TLS. Prints one JSON object: messages a second
 * through the SDK alone, through a whole campaign (pages from the database, decisions, signatures, cursor), and
 * signatures alone.
 */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { nudgeKey, signNudge } from '../controller/domain/nudge/message.ts';
import { makeCampaigns } from '../controller/nudges/campaign.ts';
import { campaignEntry } from '../controller/nudges/row.ts';
import { makeOutbox } from '../controller/outbox/drain.ts';
import type { Pusher } from '../controller/ports/index.ts';
import type { Fcm } from '../controller/push/fcm.ts';
import { fcmAt, withFcm } from '../test/support/fcm.ts';
import { aSnapshot, aState } from '../test/support/state.ts';
import { withStore } from '../test/support/store.ts';

const PAGE = 500;
const MASTER = Buffer.alloc(32, 1);
const SERVE = 'serve';

const idOf = (n: number): string => `device-${n}`;
const perSecond = (count: number, startedMs: number): number =>
  Math.round(count / ((performance.now() - startedMs) / 1000));

function signature(n: number) {
  const key = nudgeKey(MASTER, idOf(n), 1);
  return signNudge(key, idOf(n), { buildId: 'b42', requestId: randomUUID(), issuedAtMs: Date.now() });
}

function signOnly(messages: number): number {
  const startedMs = performance.now();
  for (let n = 0; n < messages; n += 1) signature(n);
  return perSecond(messages, startedMs);
}

async function sendOnly(fcm: Fcm, messages: number): Promise<number> {
  const page = (from: number) =>
    Array.from({ length: Math.min(PAGE, messages - from) }, (_, n) => ({
      pushToken: `token-${from + n}`,
      data: signature(from + n),
      ttlMs: 600_000,
      collapseKey: 'ota-update',
    }));
  await fcm.send(page(0));
  const startedMs = performance.now();
  for (let from = 0; from < messages; from += PAGE) {
    const results = await fcm.send(page(from));
    if (results.some(r => r.result !== 'sent')) throw new Error(`refused: ${JSON.stringify(results[0])}`);
  }
  return perSecond(messages, startedMs);
}

function wholeCampaign(pusher: Pusher, devices: number): Promise<number> {
  return withStore(async store => {
    const ids = Array.from({ length: devices }, (_, n) => idOf(n));
    await store.devices.enrol(
      ids.map(deviceId => ({ deviceId, tags: [] })),
      Date.now(),
    );
    await Promise.all(ids.map(id => store.devices.setPushToken(id, id)));
    const snapshot = aSnapshot(aState({ rollout: 100 }));
    let sent = 0;
    const campaigns = makeCampaigns({
      outbox: store.outbox,
      devices: store.devices,
      pusher,
      picture: () => snapshot,
      masterKey: MASTER,
      pace: { perSecond: 0, budgetMbps: 0 },
      nowMs: Date.now,
      wallMs: Date.now,
      monotonicMs: () => performance.now(),
      random: Math.random,
      newRequestId: randomUUID,
      sleep: ms => new Promise(resolve => setTimeout(resolve, ms)),
      observe: event => {
        if (event.type === 'ota.nudge' && event.result === 'sent') sent += 1;
      },
    });
    await store.outbox.add([campaignEntry({ snapshot: undefined, atMs: 0 }, snapshot, 'bench')]);
    const startedMs = performance.now();
    await makeOutbox({
      store: store.outbox,
      handlers: [campaigns],
      nowMs: Date.now,
      random: Math.random,
      observe: () => undefined,
    }).drain();
    if (sent !== devices) throw new Error(`${sent} of ${devices} sent`);
    return perSecond(devices, startedMs);
  });
}

async function main(messages: number): Promise<void> {
  const server = fork(fileURLToPath(import.meta.url), [SERVE]);
  try {
    const [port] = (await once(server, 'message')) as [number];
    const fcm = fcmAt(port);
    const figures = {
      messages,
      signedPerSecond: signOnly(messages),
      sdkPerSecond: await sendOnly(fcm, messages),
      campaignPerSecond: await wholeCampaign(fcm, messages),
    };
    await fcm.close();
    console.log(JSON.stringify(figures));
  } finally {
    server.kill();
  }
}

if (process.argv[2] === SERVE)
  await withFcm(server => {
    process.send?.(server.port);
    return new Promise(() => {});
  });
else await main(Number(process.argv[2] ?? 20_000));
