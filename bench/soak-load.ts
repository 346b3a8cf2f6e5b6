/** The load of a soak, and its counters. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { openStore, type StoreOptions } from '../controller/store/store.ts';

export interface SoakOptions {
  readonly kills: number;
  readonly devices: number;
  readonly workers: number;
  /** If more than one, they use PostgreSQL. */
  readonly controllers: number;
}

export interface Device {
  readonly device_id: string;
  readonly token: string;
}

export interface Tally {
  /** `device request` of each result that was answered with 200. */
  readonly acknowledged: Set<string>;
  checks: number;
  /** Requests without an answer: the controller was gone. */
  unanswered: number;
  /** Answers other than 200, by status and code. */
  readonly refused: Map<string, number>;
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

export const emptyTally = (): Tally => ({
  acknowledged: new Set(),
  checks: 0,
  unanswered: 0,
  refused: new Map(),
});

/** `token`: of an operator. */
export async function importDevices(url: string, token: string, devices: number): Promise<readonly Device[]> {
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

/** The code of a problem document, else the beginning of the text. */
function codeIn(text: string): string {
  const { code } = (text.startsWith('{') ? JSON.parse(text) : {}) as { code?: unknown };
  return typeof code === 'string' ? code : text.slice(0, 60);
}

/** One device checks and reports, as often as it is called. */
export async function visit(url: string, device: Device, tally: Tally): Promise<void> {
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

/** Acknowledged results that are not in the store. */
export async function lostOf(
  options: Omit<StoreOptions, 'nowMs'>,
  tally: Tally,
  devices: number,
): Promise<string[]> {
  const { acknowledged } = tally;
  const store = await openStore({ ...options, nowMs: Date.now });
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

/** The lines that every run prints at its end. */
export function tallyLines(tally: Tally, lost: readonly string[]): string[] {
  const { acknowledged, checks, unanswered, refused } = tally;
  return [
    `${checks} checks, ${acknowledged.size} results acknowledged, ${unanswered} requests without an answer`,
    refused.size === 0
      ? 'nothing refused'
      : `refused: ${[...refused].map(([why, n]) => `${n} × ${why}`).join(', ')}`,
    `${lost.length} acknowledged results lost${lost.length === 0 ? '' : `: ${lost.slice(0, 5).join(', ')}`}`,
  ];
}

const ROOT = path.resolve(import.meta.dirname, '..');

/** The settings of every controller in a soak. */
export const SOAK_SETTINGS = {
  OTA_SOURCE: path.join(ROOT, 'releases'),
  OTA_ARTIFACTS_IMPORT: path.join(ROOT, 'examples/apks'),
  OTA_CHECKS_PER_MINUTE: '100000',
  OTA_LOG_LEVEL: 'info',
};

/** Starts workers that visit the fleet in turn. `stop` waits for them and returns the duration in seconds. */
export function startLoad(
  fleet: readonly Device[],
  workers: number,
  visitOne: (device: Device, n: number) => Promise<void>,
): { stop(): Promise<number> } {
  let over = false;
  const begunMs = performance.now();
  const load = Array.from({ length: workers }, async (_, worker) => {
    for (let n = worker; !over; n += workers) {
      const device = fleet[n % fleet.length];
      if (device !== undefined) await visitOne(device, n);
    }
  });
  return {
    stop: async () => {
      over = true;
      await Promise.all(load);
      return (performance.now() - begunMs) / 1_000;
    },
  };
}
