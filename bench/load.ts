/** Load from a separate core, and the CPU time that the server spent on it. */
import path from 'node:path';
import type { BenchEnvironment } from './environment.ts';
import { onPath, runPinned, type Server } from './pinned.ts';

export interface LoadResult {
  readonly requests: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Answered with 4xx or 5xx. */
  readonly refused: number;
  /** Connection errors and requests that were never answered. */
  readonly broken: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export interface Measured extends LoadResult {
  readonly perSecond: number;
  /** CPU time of the server, all its threads; undefined without /proc. */
  readonly cpuSeconds: number | undefined;
}

export interface LoadPlan {
  /** One target a line, as wrk.lua reads them. */
  readonly targets: string;
  readonly seconds: number;
  readonly connections: number;
  /** Requests a second; as many as the server answers when left out. */
  readonly rate?: number;
}

export interface Loader {
  readonly tool: 'wrk' | 'autocannon';
  run(server: Server, plan: LoadPlan): Promise<Measured>;
}

export function makeLoader(environment: BenchEnvironment, core: number | undefined): Loader {
  const wrk = onPath('wrk');
  /** Each run continues where the previous one ended, so that all devices take part. */
  let offset = 0;

  function launch({ url }: Server, plan: LoadPlan): Promise<string> {
    const { targets, seconds, connections, rate } = plan;
    const common = [url, targets, String(offset)];
    const timeoutMs = seconds * 1000 + 60_000;
    if (rate !== undefined) {
      const args = [...common, String(rate), String(seconds), String(connections)];
      return runPinned(core, process.execPath, [environment.program('bench/paced-load.ts'), ...args], {
        timeoutMs,
      });
    }
    if (wrk === undefined) {
      const args = [...common, String(seconds), String(connections)];
      return runPinned(core, process.execPath, [environment.program('bench/autocannon-load.ts'), ...args], {
        timeoutMs,
      });
    }
    // wrk counts whole seconds only.
    const script = path.join(import.meta.dirname, 'wrk.lua');
    const duration = `${Math.max(1, Math.round(seconds))}s`;
    const args = ['-t1', `-c${connections}`, `-d${duration}`, '--timeout', '10s', '-s', script, url];
    const env = { BENCH_TARGETS: targets, BENCH_OFFSET: String(offset) };
    return runPinned(core, wrk, args, { env, timeoutMs });
  }

  return {
    tool: wrk === undefined ? 'autocannon' : 'wrk',
    run: async (server, plan) => {
      const before = server.cpuSeconds();
      const output = await launch(server, plan);
      const after = server.cpuSeconds();
      const line = output.split('\n').find(text => text.startsWith('{'));
      if (line === undefined) throw new Error(`the load gave no figures: ${output}`);
      const result = JSON.parse(line) as LoadResult;
      offset += result.requests;
      return {
        ...result,
        perSecond: result.requests / result.seconds,
        cpuSeconds: before === undefined || after === undefined ? undefined : after - before,
      };
    },
  };
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

export const medianOf = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter(value => value !== undefined);
  return known.length === 0 ? undefined : median(known);
};

export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits));
