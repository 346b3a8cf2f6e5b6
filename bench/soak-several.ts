/**
 * Several controllers on one PostgreSQL server, which writes to the disk with every sync. In turn the leader is killed, the
 * leader is paused for a minute, and the server stops for a minute. Devices ask the next controller when one does not answer,
 * as a proxy does. The lease and all other times are those of the defaults.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onDatabase, type Server, startPostgres } from '../test/support/postgres.ts';
import { freePort, type Running, startProcess } from '../test/support/process.ts';
import {
  type Device,
  emptyTally,
  importDevices,
  lostOf,
  pause,
  SOAK_SETTINGS,
  type SoakOptions,
  startLoad,
  type Tally,
  tallyLines,
  visit,
} from './soak-load.ts';

const AWAY_MS = 60_000;

interface Place {
  readonly name: string;
  readonly port: number;
  running: Running;
}

const leads = ({ running }: Place): boolean =>
  (running.stdout().match(/"event":"ota\.role".*?"role":"\w+"/g) ?? []).at(-1)?.includes('"leads"') === true;

/** Another one than `not`. */
async function untilLed(places: readonly Place[], not?: Place): Promise<Place> {
  for (;;) {
    const found = places.find(place => place !== not && leads(place));
    if (found !== undefined) return found;
    await pause(50);
  }
}

/** One that does not answer is left out for a while. */
async function visitAny(places: readonly Place[], device: Device, tally: Tally, n: number): Promise<void> {
  const before = tally.unanswered;
  for (let tried = 0; tried < places.length; tried += 1) {
    const place = places[(n + tried) % places.length];
    if (place === undefined) continue;
    const asked = tally.unanswered;
    await visit(`http://127.0.0.1:${place.port}`, device, tally);
    if (tally.unanswered === asked) break;
  }
  // Only what no controller answered counts.
  tally.unanswered = tally.unanswered - before === places.length ? before + 1 : before;
}

async function disturb(
  turn: number,
  places: readonly Place[],
  server: Server,
  again: (place: Place) => Promise<void>,
): Promise<string> {
  const leader = await untilLed(places);
  const sinceMs = performance.now();
  const taken = async (): Promise<string> => {
    await untilLed(places, leader);
    return `another led after ${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`;
  };
  if (turn % 10 === 4) {
    await server.crash();
    await pause(AWAY_MS);
    await server.revive();
    return 'database away for a minute';
  }
  if (turn % 10 === 9) {
    leader.running.child.kill('SIGSTOP');
    const said = await taken();
    await pause(Math.max(0, AWAY_MS - (performance.now() - sinceMs)));
    const code = await leader.running.end('SIGCONT');
    await again(leader);
    return `leader paused for a minute: ${said}, it ended with ${code}`;
  }
  await leader.running.end('SIGKILL');
  const said = await taken();
  await again(leader);
  return `leader killed: ${said}`;
}

/** True when nothing that was acknowledged is lost. */
export async function soakSeveral({ kills, devices, workers, controllers }: SoakOptions): Promise<boolean> {
  const server = await startPostgres('durable');
  if (server === undefined) throw new Error('PostgreSQL is not installed');
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-soak-'));
  const database = { url: `${server.url}/ota`, connections: 2 };
  await onDatabase(`${server.url}/postgres`, 'create database ota');
  const start = (name: string, port: number): Promise<Running> =>
    startProcess(
      {
        ...SOAK_SETTINGS,
        OTA_DATA: path.join(folder, name),
        OTA_DATABASE: database.url,
        OTA_ARTIFACTS: path.join(folder, 'apks'),
        OTA_TOKEN_KEY: `k1:${'5'.repeat(64)}`,
        OTA_NUDGE_KEY: '7'.repeat(64),
        OTA_PORT: String(port),
      },
      folder,
    );
  const places: Place[] = [];
  for (let n = 0; n < controllers; n += 1) {
    const [name, port] = [`c${n}`, await freePort()];
    places.push({ name, port, running: await start(name, port) });
  }
  const token = (await readFile(path.join(folder, 'c0', 'admin-token'), 'utf8')).trim();
  const fleet = await importDevices(places[0]?.running.url ?? '', token, devices);
  const tally = emptyTally();
  const load = startLoad(fleet, workers, (device, n) => visitAny(places, device, tally, n));
  for (let turn = 0; turn < kills; turn += 1) {
    await pause(200 + Math.random() * 2_800);
    const said = await disturb(turn, places, server, async place => {
      place.running = await start(place.name, place.port);
    });
    for (const place of places)
      if (place.running.child.exitCode !== null) place.running = await start(place.name, place.port);
    process.stderr.write(
      `${turn + 1} of ${kills}: ${said}; ${tally.acknowledged.size} results acknowledged\n`,
    );
  }
  await pause(1_000);
  const seconds = await load.stop();
  for (const { running } of places) await running.end('SIGTERM');
  const lost = await lostOf({ folder: path.join(folder, 'after'), database }, tally, devices);
  await server.stop();
  await rm(folder, { recursive: true });
  const said = [
    `\n${controllers} controllers, ${kills} disturbances in ${seconds.toFixed(0)} s, ${workers} workers, ${devices} devices`,
    ...tallyLines(tally, lost),
  ];
  process.stdout.write(`${said.join('\n')}\n`);
  return lost.length === 0;
}
