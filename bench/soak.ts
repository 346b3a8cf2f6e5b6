/**
 * `npm run soak`: the controller as a process under load, killed (SIGKILL) at drawn moments and started again. Counts results
 * that were answered with 200 and are not in the store afterwards: there must be none. Not part of CI.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openStore } from '../controller/store/store.ts';
import { freePort, type Running, startProcess } from '../test/support/process.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    devices: { type: 'string', default: '500' },
    workers: { type: 'string', default: '32' },
  },
});
const [kills, devices, workers] = [Number(values.kills), Number(values.devices), Number(values.workers)];
const ROOT = path.resolve(import.meta.dirname, '..');

interface Device {
  readonly device_id: string;
  readonly token: string;
}

interface Tally {
  /** `device request` of each result that was answered with 200. */
  readonly acknowledged: Set<string>;
  checks: number;
  /** Requests without an answer: the controller was gone. */
  unanswered: number;
  /** Answers other than 200, by status and code. */
  readonly refused: Map<string, number>;
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

async function importDevices(url: string, folder: string): Promise<readonly Device[]> {
  const token = (await readFile(path.join(folder, 'data', 'admin-token'), 'utf8')).trim();
  const list = Array.from({ length: devices }, (_, n) => ({ device_id: `soak-${n}`, tags: [] }));
  const answer = await fetch(`${url}/v1/devices/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ devices: list }),
  });
  if (!answer.ok) throw new Error(`import: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { devices: Device[] }).devices;
}

const count = (counts: Map<string, number>, key: string): void =>
  void counts.set(key, (counts.get(key) ?? 0) + 1);

/** Of a problem document; its text when it is none. */
function codeIn(text: string): string {
  const { code } = (text.startsWith('{') ? JSON.parse(text) : {}) as { code?: unknown };
  return typeof code === 'string' ? code : text.slice(0, 60);
}

/** One device checks and reports, as often as it is called. */
async function visit(url: string, device: Device, tally: Tally): Promise<void> {
  const authorization = `Bearer ${device.token}`;
  const requestId = randomUUID();
  const result = {
    request_id: requestId,
    build_id: 'b42',
    outcome: 'ok',
    reason: 'installed',
    version_code: 42,
  };
  try {
    const check = await fetch(`${url}/v1/agent/update?version_code=41`, { headers: { authorization } });
    await check.arrayBuffer();
    tally.checks += 1;
    const answer = await fetch(`${url}/v1/action-result`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(result),
    });
    const text = await answer.text();
    if (answer.status === 200) tally.acknowledged.add(`${device.device_id} ${requestId}`);
    else count(tally.refused, `${answer.status} ${codeIn(text)}`);
  } catch {
    tally.unanswered += 1;
    await pause(20);
  }
}

/** Those of the acknowledged results that the store does not hold. */
async function lostOf(data: string, { acknowledged }: Tally): Promise<string[]> {
  const store = await openStore({ folder: data, nowMs: Date.now });
  try {
    const kept = new Set<string>();
    for (let n = 0; n < devices; n += 1) {
      const { reports } = await store.outcomes.history(`soak-${n}`, 1_000_000);
      for (const { deviceId, requestId } of reports) kept.add(`${deviceId} ${requestId}`);
    }
    return [...acknowledged].filter(result => !kept.has(result));
  } finally {
    await store.close();
  }
}

const folder = await mkdtemp(path.join(tmpdir(), 'ota-soak-'));
const port = await freePort();
const start = (): Promise<Running> =>
  startProcess(
    {
      OTA_PORT: String(port),
      OTA_SOURCE: path.join(ROOT, 'releases'),
      OTA_ARTIFACTS_IMPORT: path.join(ROOT, 'examples/apks'),
      OTA_CHECKS_PER_MINUTE: '100000',
      OTA_LOG_LEVEL: 'info',
    },
    folder,
  );
let running = await start();
const fleet = await importDevices(running.url, folder);
const tally: Tally = { acknowledged: new Set(), checks: 0, unanswered: 0, refused: new Map() };
let over = false;
const begunMs = performance.now();
const load = Array.from({ length: workers }, async (_, worker) => {
  for (let n = worker; !over; n += workers) {
    const device = fleet[n % fleet.length];
    if (device !== undefined) await visit(running.url, device, tally);
  }
});
for (let kill = 1; kill <= kills; kill += 1) {
  await pause(200 + Math.random() * 2_800);
  await running.end('SIGKILL');
  running = await start();
  process.stderr.write(`\rkill ${kill} of ${kills}, ${tally.acknowledged.size} results acknowledged`);
}
await pause(1_000);
over = true;
await Promise.all(load);
const seconds = (performance.now() - begunMs) / 1_000;
const code = await running.end('SIGTERM');
const lost = await lostOf(path.join(folder, 'data'), tally);
await rm(folder, { recursive: true });
process.stdout.write(
  [
    `\n${kills} kills in ${seconds.toFixed(0)} s, ${workers} workers, ${devices} devices`,
    `${tally.checks} checks, ${tally.acknowledged.size} results acknowledged, ${tally.unanswered} requests without an answer`,
    tally.refused.size === 0
      ? 'nothing refused'
      : `refused: ${[...tally.refused].map(([why, n]) => `${n} × ${why}`).join(', ')}`,
    `ended with ${code} on SIGTERM`,
    `${lost.length} acknowledged results lost${lost.length === 0 ? '' : `: ${lost.slice(0, 5).join(', ')}`}`,
    '',
  ].join('\n'),
);
process.exitCode = lost.length === 0 && code === 0 ? 0 : 1;
