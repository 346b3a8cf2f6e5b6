/** An enrolled fleet in a data folder, the release it is in the middle of, and a controller process that serves it. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { bucketOf, isExposed } from '../controller/domain/cohort.ts';
import type { Build } from '../controller/domain/release.ts';
import { makeDeviceTokens } from '../controller/http/device-token.ts';
import { openStore, type Store, type StoreOptions } from '../controller/store/store.ts';
import { anApk } from '../test/support/http.ts';
import { releaseFiles, writeReleases } from '../test/support/releases.ts';
import { aRollout } from '../test/support/state.ts';
import type { BenchEnvironment } from './environment.ts';
import { type Server, startPinned } from './pinned.ts';

const PAGE = 10_000;
const PERCENT = 50;
const KID = 'bench';
const TOKEN_KEY = createHash('sha256').update('the key of the benchmark').digest();
/** Devices are enrolled before the controller starts, which then makes no key of its own. */
const NUDGE_KEY = createHash('sha256').update('the nudge key of the benchmark').digest();
const READY_MS = 120_000;
/** How often devices ask. Devices that have checked in did so this long ago. */
const POLL_MS = 21_600_000;

export interface FleetDevice {
  readonly deviceId: string;
  readonly token: string;
  /** In the cohort of the half that is offered b42. */
  readonly exposed: boolean;
}

export interface Fleet {
  readonly folder: string;
  readonly devices: readonly FleetDevice[];
  readonly signer: string;
}

/** As Android's: 16 hex digits in no order. */
const idOf = (n: number): string => createHash('sha256').update(`device ${n}`).digest('hex').slice(0, 16);

/** Tokens are kept of the first `withTokens` devices only: a million of them would fill this process, not the server. */
export async function makeFleet(
  folder: string,
  size: {
    devices: number;
    withTokens?: number;
    apkBytes?: number;
    /** Each device has checked in before, as in a fleet that has run for a while. */
    checkedIn?: boolean;
    /** Instead of SQLite; hand the controller its URL, too. */
    database?: StoreOptions['database'];
  },
): Promise<Fleet> {
  mkdirSync(path.join(folder, 'apks'), { recursive: true });
  const b42Size = size.apkBytes === undefined ? {} : { sizeBytes: size.apkBytes };
  const builds: Build[] = [];
  for (const { apk, build } of [await anApk(41), await anApk(42, b42Size)]) {
    writeFileSync(path.join(folder, 'apks', `${build.buildId}.apk`), apk);
    builds.push(build);
  }
  const rollout = aRollout(PERCENT);
  await writeReleases(path.join(folder, 'releases'), releaseFiles({ rollout, builds }));

  const tokens = makeDeviceTokens([{ kid: KID, key: TOKEN_KEY }]);
  const signer = builds[0]?.signerFingerprint ?? '';
  const devices: FleetDevice[] = [];
  const store = await openStore({
    folder: path.join(folder, 'data'),
    database: size.database,
    nowMs: Date.now,
  });
  try {
    for (let from = 0; from < size.devices; from += PAGE) {
      const ids = Array.from({ length: Math.min(PAGE, size.devices - from) }, (_, i) => idOf(from + i));
      const enrolled = await store.devices.enrol(
        ids.map((deviceId, i) => ({ deviceId, tags: (from + i) % 100 === 0 ? ['kiosk'] : [] })),
        Date.now(),
        KID,
      );
      if (size.checkedIn === true) await checkInAll(store, ids, signer);
      for (const { deviceId, generation } of enrolled.slice(
        0,
        (size.withTokens ?? Infinity) - devices.length,
      ))
        devices.push({
          deviceId,
          token: tokens.mint(deviceId, generation),
          exposed: isExposed(bucketOf(deviceId, ''), PERCENT),
        });
    }
  } finally {
    await store.close();
  }
  return { folder, devices, signer };
}

/** All of them run the build that the release comes from. */
async function checkInAll(store: Store, ids: readonly string[], signer: string): Promise<void> {
  const atMs = Date.now() - POLL_MS;
  for (const deviceId of ids)
    store.devices.checkIn({ deviceId, atMs, versionCode: 41, buildId: 'b41', sdk: 33, signer });
  await store.devices.flush();
}

export interface RunningController extends Server {
  readonly logFile: string;
  /** One value of `/metrics`, its labelled children added up. */
  metric(name: string, label?: string): Promise<number>;
}

/** The controller as its users run it: its own process, real data folder, log lines going to a file. */
export async function startController(
  environment: BenchEnvironment,
  fleet: Fleet,
  core: number | undefined,
  settings: Readonly<Record<string, string>> = {},
): Promise<RunningController> {
  const { folder } = fleet;
  const logFile = path.join(folder, 'controller.log');
  const errorFile = path.join(folder, 'controller.err');
  const log = openSync(logFile, 'a');
  const logBytes = fstatSync(log).size;
  const errors = openSync(errorFile, 'a');
  const env = {
    PATH: process.env.PATH,
    NODE_ENV: 'production',
    OTA_DATA: path.join(folder, 'data'),
    OTA_SOURCE: path.join(folder, 'releases'),
    OTA_ARTIFACTS_IMPORT: path.join(folder, 'apks'),
    OTA_TOKEN_KEY: `${KID}:${TOKEN_KEY.toString('hex')}`,
    OTA_NUDGE_KEY: NUDGE_KEY.toString('hex'),
    OTA_PORT: '0',
    ...settings,
  };
  const flags = (process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter(flag => flag !== '');
  try {
    const server = await startPinned(
      core,
      process.execPath,
      [...flags, environment.program('controller/main.ts')],
      { env, stdio: ['ignore', log, errors] },
      () => listening(logFile, logBytes),
    );
    const adminToken = readFileSync(path.join(folder, 'data', 'admin-token'), 'utf8').trim();
    return { ...server, logFile, metric: (name, label) => metricOf(server.url, adminToken, name, label) };
  } catch (cause) {
    throw new Error(`the controller did not start: ${readFileSync(errorFile, 'utf8')}`, { cause });
  } finally {
    closeSync(log);
    closeSync(errors);
  }
}

/** The URL of the start that the log tells of after these bytes, once the first release is applied. */
async function listening(logFile: string, logBytes: number): Promise<string> {
  const giveUpMs = performance.now() + READY_MS;
  while (performance.now() < giveUpMs) {
    const started = readFileSync(logFile)
      .subarray(logBytes)
      .toString()
      .split('\n')
      .findLast(line => line.includes('"event":"ota.start"'));
    if (started !== undefined) {
      const { url } = JSON.parse(started) as { url: string };
      if ((await fetch(`${url}/readyz`)).ok) return url;
    }
    await wait(25);
  }
  throw new Error(`the controller was not ready in ${READY_MS} ms`);
}

async function metricOf(url: string, token: string, name: string, label = ''): Promise<number> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}`);
  return (await answer.text())
    .split('\n')
    .filter(line => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
