/** A device of a journey: enrolled at the real controller, run by a real agent process. */
import { bucketOf } from '../../../controller/domain/cohort.ts';
import { signNudge } from '../../../controller/domain/nudge/message.ts';
import type { Journey } from '../controller.ts';
import { type AgentProcess, withAgentProcess } from './agent-process.ts';

export interface DeviceOfJourney {
  readonly deviceId: string;
  readonly agent: AgentProcess;
  readonly token: string;
  /** A genuine nudge, as the controller would sign it. */
  nudge(buildId: string, more?: { requestId?: string; issuedAtMs?: number }): Record<string, unknown>;
}

/** The first of `device-0`, `device-1`, … on this side of the percentage. */
export function deviceWithin(percent: number, exposed: boolean, seed = ''): string {
  for (let n = 0; ; n++) if (bucketOf(`device-${n}`, seed) < percent * 100 === exposed) return `device-${n}`;
}

export async function withDevice(
  journey: Journey,
  deviceId: string,
  args: readonly string[],
  run: (device: DeviceOfJourney) => Promise<void>,
  program?: readonly string[],
): Promise<void> {
  const [enrolled] = await journey.enrol([deviceId]);
  if (enrolled === undefined) throw new Error(`${deviceId} was not enrolled`);
  const { build } = journey.builds.b41;
  const installed = args.includes('--version-code') ? [] : ['--version-code', String(build.versionCode)];
  const process = {
    url: journey.url,
    deviceId,
    token: enrolled.token,
    ...(program === undefined ? {} : { program }),
    nudgeKey: enrolled.nudge_key,
    args: [
      '--simulated',
      '--package',
      build.package,
      ...installed,
      '--signer',
      build.signerFingerprint,
      ...args,
    ],
  };
  await withAgentProcess(process, agent =>
    run({
      deviceId,
      agent,
      token: enrolled.token,
      nudge: (buildId, more = {}) =>
        signNudge(Buffer.from(enrolled.nudge_key, 'base64'), deviceId, {
          buildId,
          requestId: more.requestId ?? `nudge-${deviceId}-${buildId}`,
          issuedAtMs: more.issuedAtMs ?? Date.now(),
        }),
    }),
  );
}
