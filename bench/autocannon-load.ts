/**
 * As many requests as the server answers, for machines without wrk:
 * `autocannon-load.js URL TARGETS OFFSET SECONDS CONNECTIONS`. Prints the same JSON object as wrk.lua.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

interface Asked {
  readonly method: 'GET';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}
interface Result {
  readonly requests: { readonly total: number };
  readonly throughput: { readonly total: number };
  readonly latency: { readonly p50: number; readonly p97_5: number; readonly p99: number };
  readonly duration: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly '4xx': number;
  readonly '5xx': number;
}
type Autocannon = (options: {
  url: string;
  connections: number;
  duration: number;
  setupClient: (client: { setRequests(requests: Asked[]): void }) => void;
}) => Promise<Result>;

// Untyped package.
const autocannon = createRequire(import.meta.url)('autocannon') as Autocannon;

/** Each connection renders its own requests up front; more would take longer than the run. */
const PER_CONNECTION = 500;

const [url = '', file = '', offset = '0', seconds = '2', connections = '64'] = process.argv.slice(2);
const lines = readFileSync(file, 'latin1').trimEnd().split('\n');
let at = Number(offset);

function nextRequest(): Asked {
  const [path = '', token = '', tag = ''] = (lines[at++ % lines.length] ?? '').split('\t');
  const headers: Record<string, string> = {
    authorization: `Bearer ${token}`,
    'user-agent': 'nexmdm-agent/4.1.0',
  };
  if (tag !== '') headers['if-none-match'] = tag;
  return { method: 'GET', path, headers };
}

const result = await autocannon({
  url,
  connections: Number(connections),
  // It samples once a second, and the first sample may come early.
  duration: Math.max(3, Math.ceil(Number(seconds))),
  setupClient: client => client.setRequests(Array.from({ length: PER_CONNECTION }, nextRequest)),
});
console.log(
  JSON.stringify({
    requests: result.requests.total,
    bytes: result.throughput.total,
    seconds: result.duration,
    refused: result['4xx'] + result['5xx'],
    broken: result.errors + result.timeouts,
    p50Ms: result.latency.p50,
    // It keeps no 95th: the next higher one it has.
    p95Ms: result.latency.p97_5,
    p99Ms: result.latency.p99,
  }),
);
