/** A paced campaign of 20,000 devices, killed with SIGKILL in the middle and started again. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import knex from 'knex';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nudgeKey, verifyNudge } from '../../controller/domain/nudge/message.ts';
import { allowance, nudgePace } from '../../controller/domain/nudge/pace.ts';
import { DATABASE_FILE } from '../../controller/store/folder.ts';
import { type FcmServer, withFcm } from '../support/fcm.ts';
import { withFolder } from '../support/folder.ts';
import { anApk, eventually, sha256Of } from '../support/http.ts';
import { type Child, startChild } from '../support/nudge/child.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { aRollout, aState } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const DEVICES = 20_000;
const PER_SECOND = 8_000;
/** The ramp-up takes 60 s; a test should not. */
const CLOCK_SPEED = 5;
const MASTER = 'ab'.repeat(32);

const idOf = (token: string): string => token.slice('push:'.length);

/** Devices that registered push tokens, straight into the database: 20,000 requests are not what is shown here. */
async function enrolFleet(data: string): Promise<void> {
  await withStore(
    async store => {
      const ids = Array.from({ length: DEVICES }, (_, i) => ({ deviceId: `d-${i}`, tags: [] }));
      await store.devices.enrol(ids, Date.now());
    },
    { folder: data },
  );
  const db = knex({
    client: 'sqlite3',
    useNullAsDefault: true,
    connection: { filename: path.join(data, DATABASE_FILE) },
  });
  await db.raw(
    `insert into push_tokens (device_id, token) select device_id, 'push:' || device_id from devices`,
  );
  await db.destroy();
}

interface Site {
  readonly data: string;
  readonly releases: string;
  readonly artifacts: string;
}

async function makeSite(folder: string): Promise<Site> {
  const site = {
    data: path.join(folder, 'data'),
    releases: path.join(folder, 'releases'),
    artifacts: path.join(folder, 'apks'),
  };
  await mkdir(site.data, { mode: 0o700 });
  await mkdir(site.artifacts);
  const apks = [await anApk(41), await anApk(42)];
  for (const { apk } of apks) await writeFile(path.join(site.artifacts, `${sha256Of(apk)}.apk`), apk);
  const builds = apks.map(a => a.build);
  await writeReleases(site.releases, releaseFiles(aState({ builds, rollout: aRollout(100) })));
  await enrolFleet(site.data);
  return site;
}

const startController = (site: Site, fcmPort: number): Child =>
  startChild('test/support/nudge/controller-process.ts', {
    FCM_PORT: String(fcmPort),
    CLOCK_SPEED: String(CLOCK_SPEED),
    OTA_DATA: site.data,
    OTA_PORT: '0',
    OTA_SOURCE: site.releases,
    OTA_ARTIFACTS_IMPORT: site.artifacts,
    OTA_NUDGES_PER_SECOND: String(PER_SECOND),
    OTA_NUDGE_KEY: MASTER,
    OTA_TOKEN_KEY: `test:${MASTER}`,
  });

const campaign = (state: string) => (line: Record<string, unknown>) =>
  line.event === 'ota.nudge.campaign' && line.state === state;

/** How often each device was nudged → how many devices that was. */
function timesNudged({ received }: FcmServer): Record<number, number> {
  const counts = new Map<string, number>();
  for (const { token } of received) counts.set(token, (counts.get(token) ?? 0) + 1);
  const times: Record<number, number> = {};
  for (const count of counts.values()) times[count] = (times[count] ?? 0) + 1;
  return times;
}

/** Runs the controller until `end` and kills it; fails when it sent more than its pace had allowed by then. */
async function run(site: Site, server: FcmServer, end: (child: Child) => Promise<unknown>): Promise<void> {
  const before = server.received.length;
  const startedMs = performance.now();
  const child = startController(site, server.port);
  try {
    await end(child);
    const allowed = allowance(
      nudgePace({ perSecond: PER_SECOND, budgetMbps: 0 }, 1),
      (performance.now() - startedMs) * CLOCK_SPEED,
    );
    const sent = server.received.length - before;
    assert.ok(sent <= allowed, `${sent} sent, ${Math.round(allowed)} allowed`);
  } finally {
    await child.kill('SIGKILL');
  }
}

test('every device is nudged, at most one page of 500 twice, never above the set pace', () =>
  withFolder(folder =>
    withFcm(async server => {
      const site = await makeSite(folder);
      server.fallSilentAt = DEVICES * 0.4;
      await run(site, server, async child => {
        await child.until('the campaign', campaign('started'));
        await eventually(() => server.received.length >= server.fallSilentAt);
      });
      const first = server.received.length;
      assert.is(first, DEVICES * 0.4);
      server.fallSilentAt = Number.POSITIVE_INFINITY;

      await run(site, server, async child => {
        const resumed = await child.until('the campaign again', campaign('resumed'));
        assert.ok(Number(resumed.sent) > 0 && Number(resumed.sent) <= first);
        await child.until('its end', campaign('done'));
      });
      const times = timesNudged(server);
      console.log(`  killed after ${first} of ${DEVICES}; nudged twice: ${times[2] ?? 0}`);
      assert.is((times[1] ?? 0) + (times[2] ?? 0), DEVICES);
      assert.ok((times[2] ?? 0) <= 500, `${times[2]} nudged twice`);
      assert.equal(server.violations, []);
      for (const { token, data } of server.received.filter((_, n) => n % 500 === 0)) {
        const key = nudgeKey(Buffer.from(MASTER, 'hex'), idOf(token), 1);
        const issuedMs = Number(data.issued_at) * 1_000;
        assert.is(verifyNudge(key, idOf(token), data, issuedMs, () => false).ok, true);
      }
    }),
  ));

test.run();
