/** Resident memory of the controller with a very large fleet: after its start, and after checks of many devices. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeFleet, startController } from './fleet.ts';
import { type Loader, rounded } from './load.ts';
import type { Cores } from './pinned.ts';
import type { Workshop } from './workshop.ts';

export interface MemoryFigures {
  readonly devices: number;
  readonly startSeconds: number;
  /** Of them, how many update checks were answered before the second figure was taken. */
  readonly checks: number;
  readonly afterStartMiB: number | undefined;
  readonly afterChecksMiB: number | undefined;
  readonly peakMiB: number | undefined;
}

const ASKING = 100_000;

export async function benchMemory(
  workshop: Workshop,
  cores: Cores | undefined,
  loader: Loader,
  plan: { devices: number; seconds: number },
): Promise<MemoryFigures> {
  const fleet = await makeFleet(path.join(workshop.folder, 'memory'), {
    devices: plan.devices,
    withTokens: ASKING,
  });
  const targets = path.join(fleet.folder, 'checks.tsv');
  const query = 'version_code=41&build_id=b41&sdk=33';
  writeFileSync(
    targets,
    `${fleet.devices.map(({ token }) => `/v1/agent/update?${query}\t${token}\t`).join('\n')}\n`,
  );
  const startedMs = performance.now();
  const server = await startController(workshop, fleet, cores?.server, { OTA_CHECKS_PER_MINUTE: '100000' });
  try {
    const startSeconds = rounded((performance.now() - startedMs) / 1000, 1);
    const afterStart = server.memoryMiB();
    const run = await loader.run(server, { targets, seconds: plan.seconds, connections: 64 });
    if (run.refused > 0 || run.broken > 0) throw new Error('checks of a large fleet were refused');
    const afterChecks = server.memoryMiB();
    return {
      devices: plan.devices,
      startSeconds,
      checks: run.requests,
      afterStartMiB: afterStart?.now,
      afterChecksMiB: afterChecks?.now,
      peakMiB: afterChecks?.peak,
    };
  } finally {
    await server.stop();
  }
}
