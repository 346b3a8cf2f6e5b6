/**
 * The load that a nudge causes: devices of a running fleet ask within a minute, each on its own connection, and those that
 * are offered the build download it at once. One run without a comparison: it shows the delays of a fleet, not a ratio.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { loggedChecks } from './checks.ts';
import type { BenchEnvironment } from './environment.ts';
import { makeFleet, startController } from './fleet.ts';
import { rounded } from './load.ts';
import { type Cores, runPinned } from './pinned.ts';

const MB = 1_000_000;
/** Small, so that one core can generate the load: this measures many connections; downloads have their own section. */
const APK_BYTES = MB;

export interface BurstPlan {
  readonly devices: number;
  readonly seconds: number;
}

interface Came {
  readonly checks: number;
  readonly downloads: number;
  readonly toldToWait: number;
  readonly broken: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly downloadP50Ms: number;
  readonly downloadP95Ms: number;
}

export interface BurstFigures extends Omit<Came, 'broken' | 'bytes'> {
  readonly apkMB: number;
  readonly downloadedGB: number;
  /** Of the controller, for all of it. */
  readonly cpuSeconds: number | undefined;
  readonly peakMiB: number | undefined;
}

export async function benchBurst(
  environment: BenchEnvironment,
  cores: Cores | undefined,
  plan: BurstPlan,
): Promise<BurstFigures> {
  const fleet = await makeFleet(path.join(environment.folder, 'burst'), {
    devices: plan.devices,
    apkBytes: APK_BYTES,
    checkedIn: true,
  });
  const query = `version_code=41&build_id=b41&sdk=33&signer=${fleet.signer}`;
  const targets = path.join(fleet.folder, 'burst.tsv');
  writeFileSync(
    targets,
    `${fleet.devices.map(({ token }) => `/v1/agent/update?${query}\t${token}`).join('\n')}\n`,
  );
  const controller = await startController(environment, fleet, cores?.server);
  try {
    const before = controller.cpuSeconds();
    const rate = String(plan.devices / plan.seconds);
    const args = [environment.program('bench/burst-load.ts'), controller.url, targets, rate];
    const output = await runPinned(cores?.load, process.execPath, args, {
      timeoutMs: plan.seconds * 1000 + 120_000,
    });
    const after = controller.cpuSeconds();
    const { broken, bytes, ...came } = JSON.parse(output) as Came;
    const counted = await controller.metric('ota_checks_total');
    const peakMiB = controller.memoryMiB()?.peak;
    await controller.stop();
    const wrong = Object.entries(broken).map(([why, times]) => `${times} × ${why}`);
    if (wrong.length > 0) throw new Error(`devices of the burst got no proper answer: ${wrong.join(', ')}`);
    await loggedChecks(controller.logFile, counted);
    return {
      ...came,
      seconds: rounded(came.seconds, 1),
      apkMB: APK_BYTES / MB,
      downloadedGB: rounded(bytes / 1000 / MB, 1),
      cpuSeconds: before === undefined || after === undefined ? undefined : rounded(after - before, 1),
      peakMiB,
    };
  } finally {
    await controller.stop();
  }
}
