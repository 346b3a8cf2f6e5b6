/** Runs the checks against an agent, each with its own device and controller. */

import { Finding } from '../finding.ts';
import { Bench } from './bench.ts';
import type { AgentCheck } from './check.ts';
import { CONSTRAINTS } from './constraints.ts';
import { DOWNLOAD } from './download.ts';
import { INTEGRITY } from './integrity.ts';
import { NUDGES } from './nudges.ts';
import { PAUSES } from './pauses.ts';
import { POLLING } from './polling.ts';
import { REDIRECTS } from './redirects.ts';
import { RENEWAL } from './renewal.ts';
import { RESTARTS } from './restarts.ts';
import { startScriptedController } from './scripted-controller.ts';
import { STATES } from './states.ts';
import type { AgentUnderTest, ApkKit } from './under-test.ts';

export interface CheckResult {
  readonly name: string;
  readonly clause: string;
  /** Undefined if the check passed. */
  readonly finding: string | undefined;
  /** Behaviour that only this version of the protocol allows. */
  readonly warnings: readonly string[];
  readonly ms: number;
}

/** Every check of an agent, by a unique name. */
export const agentChecks = (): readonly AgentCheck[] => [
  ...POLLING,
  ...CONSTRAINTS,
  ...INTEGRITY,
  ...DOWNLOAD,
  ...NUDGES,
  ...RESTARTS,
  ...PAUSES,
  ...REDIRECTS,
  ...RENEWAL,
  ...STATES,
];

export async function checkAgent(
  under: AgentUnderTest,
  kit: ApkKit,
  options: { only?: readonly string[]; parallel?: number; onResult?: (result: CheckResult) => void } = {},
): Promise<CheckResult[]> {
  const queue = agentChecks().filter(
    check => options.only === undefined || options.only.includes(check.name),
  );
  const results: CheckResult[] = [];
  const worker = async () => {
    for (let check = queue.shift(); check !== undefined; check = queue.shift()) {
      const startedMs = performance.now();
      const judged = await judge(check, under, kit);
      const ms = Math.round(performance.now() - startedMs);
      const result = { name: check.name, clause: check.clause, ...judged, ms };
      results.push(result);
      options.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: options.parallel ?? 4 }, worker));
  return results;
}

async function judge(
  check: AgentCheck,
  under: AgentUnderTest,
  kit: ApkKit,
): Promise<Pick<CheckResult, 'finding' | 'warnings'>> {
  const server = await startScriptedController();
  // Only one check is about missing tokens; the others must not fail because of them.
  server.strict = false;
  const bench = new Bench(kit, server, under, await under.device());
  try {
    await check.run(bench);
    return { finding: undefined, warnings: bench.warnings };
  } catch (error) {
    if (error instanceof Finding) return { finding: error.message, warnings: bench.warnings };
    throw error;
  } finally {
    await bench.end();
    await server.close();
  }
}
