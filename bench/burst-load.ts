/**
 * The load that a nudge causes: `burst-load.js URL TARGETS RATE`. Each line of TARGETS is a device that asks once and downloads
 * at once what it is offered, each on a connection of its own. Devices come at a fixed rate, whatever the server does, and
 * latency counts from the moment a device was due. Prints one JSON object.
 */
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

const [url = '', file = '', rate = '300'] = process.argv.slice(2);
const gapMs = 1000 / Number(rate);
const devices = readFileSync(file, 'latin1').trimEnd().split('\n');

const checkMs: number[] = [];
const downloadMs: number[] = [];
let bytes = 0;
let toldToWait = 0;
/** By what went wrong: a status, or the code of a connection's error. */
const broken: Record<string, number> = {};
const broke = (why: string): void => {
  broken[why] = (broken[why] ?? 0) + 1;
};

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly bytes: number;
}

/** The body of an APK is counted and dropped. */
function ask(target: string, token: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(url + target, { agent: false, headers: { authorization: `Bearer ${token}` } }, res => {
      const isText = res.headers['content-type']?.includes('json') === true;
      let body = '';
      let size = 0;
      res.on('data', (piece: Buffer) => {
        size += piece.length;
        if (isText) body += piece.toString('latin1');
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body, bytes: size }));
      res.on('error', reject);
    }).on('error', reject);
  });
}

async function come(line: string, dueMs: number): Promise<void> {
  const [target = '', token = ''] = line.split('\t');
  try {
    const offer = await ask(target, token);
    checkMs.push(performance.now() - dueMs);
    if (offer.status !== 200) {
      if (offer.status !== 204) broke(`check ${offer.status}`);
      return;
    }
    const { build_id: buildId } = JSON.parse(offer.body) as { build_id: string };
    const beganMs = performance.now();
    const apk = await ask(`/v1/agent/builds/${buildId}/apk`, token);
    if (apk.status === 503) toldToWait += 1;
    else if (apk.status !== 200) broke(`download ${apk.status}`);
    else {
      bytes += apk.bytes;
      downloadMs.push(performance.now() - beganMs);
    }
  } catch (error) {
    broke((error as NodeJS.ErrnoException).code ?? 'unknown');
  }
}

const startMs = performance.now();
const running: Promise<void>[] = [];
for (const [n, line] of devices.entries()) {
  const dueMs = startMs + n * gapMs;
  const aheadMs = dueMs - performance.now();
  if (aheadMs > 1) await wait(aheadMs);
  running.push(come(line, dueMs));
}
await Promise.all(running);
const seconds = (performance.now() - startMs) / 1000;

const percentile = (values: readonly number[], p: number): number =>
  Math.round((values.toSorted((a, b) => a - b)[Math.floor((values.length * p) / 100)] ?? 0) * 100) / 100;
console.log(
  JSON.stringify({
    checks: checkMs.length,
    downloads: downloadMs.length,
    toldToWait,
    broken,
    bytes,
    seconds,
    p50Ms: percentile(checkMs, 50),
    p95Ms: percentile(checkMs, 95),
    p99Ms: percentile(checkMs, 99),
    downloadP50Ms: percentile(downloadMs, 50),
    downloadP95Ms: percentile(downloadMs, 95),
  }),
);
