/**
 * Checks at a fixed rate, whatever the server does: `paced-load.js URL TARGETS OFFSET RATE SECONDS CONNECTIONS`.
 * Latency runs from the moment a check was due, also when all connections were busy then, so that a stall is felt by
 * every check it delays. Prints one JSON object.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

const [url = '', file = '', offset = '0', rate = '1000', seconds = '3', connections = '64'] =
  process.argv.slice(2);
const { hostname, port, host } = new URL(url);
const gapMs = 1000 / Number(rate);
const total = Math.round(Number(rate) * Number(seconds));

const lines = readFileSync(file, 'latin1').trimEnd().split('\n');
const requestOf = (n: number): string => {
  const [path = '', token = '', tag = ''] = (lines[(Number(offset) + n) % lines.length] ?? '').split('\t');
  const condition = tag === '' ? '' : `If-None-Match: ${tag}\r\n`;
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nUser-Agent: nexmdm-agent/4.1.0\r\n${condition}\r\n`;
};

/** How late the last answer may be on a machine that has other work; a check beyond that counts as broken. */
const LATE_MS = 30_000;

const latencies = new Float64Array(total);
let next = 0;
let answered = 0;
let refused = 0;
let broken = 0;
const idle: Line[] = [];

/** One connection with at most one check under way. */
class Line {
  readonly #socket: Socket;
  #dueMs = 0;
  #held = '';

  constructor() {
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('connect', () => idle.push(this));
    this.#socket.on('data', text => this.#take(String(text)));
    this.#socket.on('error', () => {
      broken += 1;
    });
  }

  ask(n: number, dueMs: number): void {
    this.#dueMs = dueMs;
    this.#socket.write(requestOf(n), 'latin1');
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#held += text;
    const headEnd = this.#held.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#held)?.[1] ?? 0);
    if (this.#held.length < headEnd + 4 + length) return;
    if (Number(this.#held.slice(9, 12)) >= 400) refused += 1;
    this.#held = '';
    latencies[answered] = performance.now() - this.#dueMs;
    answered += 1;
    idle.push(this);
  }
}

const all = Array.from({ length: Number(connections) }, () => new Line());
const giveUpMs = performance.now() + 5_000;
while (idle.length < all.length && broken === 0 && performance.now() < giveUpMs)
  await new Promise(resolve => setImmediate(resolve));

const startMs = performance.now();
const endMs = startMs + Number(seconds) * 1000 + LATE_MS;
while (answered < total && broken === 0 && performance.now() < endMs) {
  const nowMs = performance.now();
  while (next < total && startMs + next * gapMs <= nowMs) {
    const line = idle.shift();
    if (line === undefined) break;
    line.ask(next, startMs + next * gapMs);
    next += 1;
  }
  // Polls the sockets without sleeping: timers are too coarse, and this core has nothing else to do.
  await new Promise(resolve => setImmediate(resolve));
}
const tookS = (performance.now() - startMs) / 1000;
for (const line of all) line.end();

const sorted = latencies.subarray(0, answered).toSorted();
const percentile = (p: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? 0) * 1000) / 1000;
console.log(
  JSON.stringify({
    requests: answered,
    bytes: 0,
    seconds: tookS,
    refused,
    broken: broken + (total - answered),
    p50Ms: percentile(50),
    p95Ms: percentile(95),
    p99Ms: percentile(99),
  }),
);
