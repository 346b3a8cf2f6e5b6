/** Publish → nudge → agents in other processes: every device downloads because it was told. The times are printed; `npm run bench` judges them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Journey, withController } from '../support/controller.ts';
import { withFcm } from '../support/fcm.ts';
import { type Child, startChild } from '../support/nudge/child.ts';

const PROCESSES = 2;
const IDS = Array.from({ length: 200 }, (_, i) => `kiosk-${i}`);

async function withFleets(
  journey: Journey,
  use: (children: readonly Child[]) => Promise<void>,
): Promise<void> {
  const enrolled = await journey.enrol(IDS);
  const children = Array.from({ length: PROCESSES }, () => startChild('test/support/nudge/fleet-process.ts'));
  try {
    const signer = journey.builds.b41.build.signerFingerprint;
    for (const [i, child] of children.entries())
      child.tell({ url: journey.url, signer, devices: enrolled.filter((_, n) => n % PROCESSES === i) });
    for (const child of children) await child.until('all agents checked', l => l.event === 'ready');
    await use(children);
  } finally {
    await Promise.all(children.map(child => child.kill()));
  }
}

/** The value below which `share` of the sorted numbers lie. */
const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;

function print(what: string, times: readonly number[]): void {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => `${Math.round(quantile(sorted, share))} ms`;
  console.log(
    `  ${what}: p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, max ${at(1)} (${sorted.length} devices)`,
  );
}

test('a publish reaches 200 devices in other processes: each is nudged once, downloads and installs', () =>
  withFcm((server, fcm) =>
    withController(
      async journey => {
        await journey.merge({
          current: 'b41',
          lastSafe: undefined,
          exposure: { kind: 'percent', percent: 100 },
        });
        await withFleets(journey, async children => {
          const childOf = new Map(IDS.map((id, n) => [`push:${id}`, children[n % PROCESSES]]));
          server.onMessage = ({ token, data }) =>
            childOf.get(token)?.tell({ push: data, device_id: token.slice('push:'.length) });
          const publishedMs = Date.now();
          await journey.merge(100);
          await Promise.all(
            children.map((child, i) => {
              const share = IDS.filter((_, n) => n % PROCESSES === i).length;
              return child.until(
                'the first byte on every device',
                l =>
                  l.event === 'first_byte' &&
                  child.lines.filter(line => line.event === 'first_byte').length === share,
              );
            }),
          );
          const bytes = children.flatMap(c => c.lines.filter(l => l.event === 'first_byte'));
          const from = (since: (l: (typeof bytes)[number]) => number) =>
            bytes.map(l => Number(l.at_ms) - since(l));
          print(
            'publish → first byte',
            from(() => publishedMs),
          );
          print(
            'nudge received → first byte',
            from(l => Number(l.received_ms)),
          );
          assert.is(server.received.length, IDS.length);
          assert.equal(server.violations, []);
          for (const child of children) {
            child.tell({ stop: true });
            const { running } = await child.until('the summary', l => l.event === 'summary');
            assert.equal(running, { 42: IDS.length / PROCESSES });
          }
          assert.is(await journey.metric('ota_nudges_total', { result: 'sent' }), IDS.length);
          assert.is(await journey.metric('ota_installs_total', { outcome: 'ok' }), IDS.length);
        });
      },
      { runtime: { pusher: fcm }, apkBytes: 300_000 },
    ),
  ));

test.run();
