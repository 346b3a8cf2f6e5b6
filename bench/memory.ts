/**
 * A very large fleet in which each device has checked in before: how long a restart takes, what is resident after it, and
 * then each device asks once, so that no row, key or text is used twice.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BenchEnvironment } from './environment.ts';
import { makeFleet, startController } from './fleet.ts';
import { type Loader, rounded } from './load.ts';

export interface MemoryFigures {
  readonly devices: number;
  /** From the start of the process until it answers with the release; a check-in of each device is read. */
  readonly startSeconds: number;
  readonly startCpuSeconds: number | undefined;
  readonly afterStartMiB: number | undefined;
  readonly checksPerSecond: number;
  readonly checkCpuMicroseconds: number | undefined;
  readonly checkP50Ms: number;
  readonly checkP95Ms: number;
  readonly checkP99Ms: number;
  readonly afterChecksMiB: number | undefined;
  readonly peakMiB: number | undefined;
}

export interface MemoryPlan {
  readonly devices: number;
  /** Checks a second. */
  readonly rate: number;
}

export async function benchMemory(
  environment: BenchEnvironment,
  loader: Loader,
  { devices, rate }: MemoryPlan,
): Promise<MemoryFigures> {
  const fleet = await makeFleet(path.join(environment.folder, 'memory'), { devices, checkedIn: true });
  const targets = path.join(fleet.folder, 'checks.tsv');
  const query = `version_code=41&build_id=b41&sdk=33&signer=${fleet.signer}`;
  writeFileSync(
    targets,
    `${fleet.devices.map(({ token }) => `/v1/agent/update?${query}\t${token}\t`).join('\n')}\n`,
  );
  // Not pinned to a core, because a restart uses all of them.
  const start = () => startController(environment, fleet, undefined, { OTA_CHECKS_PER_MINUTE: '100000' });
  // The first start applies the release, which a restart finds applied.
  await (await start()).stop();
  const startedMs = performance.now();
  const server = await start();
  try {
    const startSeconds = rounded((performance.now() - startedMs) / 1000, 1);
    const startCpuSeconds = server.cpuSeconds();
    const afterStart = server.memoryMiB();
    const run = await loader.run(server, { targets, seconds: devices / rate, connections: 64, rate });
    if (run.refused > 0 || run.broken > 0)
      throw new Error(
        `of ${devices} checks ${run.refused} were refused and ${run.broken} broken or late: is other work running?`,
      );
    const counted = await server.metric('ota_checks_total');
    if (counted < devices) throw new Error(`${devices} devices asked but ${counted} were counted`);
    const afterChecks = server.memoryMiB();
    return {
      devices,
      startSeconds,
      startCpuSeconds: startCpuSeconds && rounded(startCpuSeconds, 1),
      afterStartMiB: afterStart?.now,
      checksPerSecond: Math.round(run.perSecond),
      checkCpuMicroseconds: run.cpuSeconds && Math.round((run.cpuSeconds / run.requests) * 1e6),
      checkP50Ms: run.p50Ms,
      checkP95Ms: run.p95Ms,
      checkP99Ms: run.p99Ms,
      afterChecksMiB: afterChecks?.now,
      peakMiB: afterChecks?.peak,
    };
  } finally {
    await server.stop();
  }
}
