/** A ramp of b42 on a fleet that breaches its gate, with the controller's GitHub beside it: for journeys of the brake. */
import { DEFAULT_GATE, type Gate } from '../../../controller/domain/gate/gate.ts';
import type { Rollout } from '../../../controller/domain/release.ts';
import type { Enrolled } from '../controller.ts';
import { type Answer, call } from '../http.ts';
import { aRamp, type StateParts } from '../state.ts';
import { type PullJourney, withPullRequests } from './journey.ts';
import type { Pull } from './state.ts';

const IDS = Array.from({ length: 12 }, (_, n) => `kiosk-${n}`);

/** 50 %, then 100 %, each step judged by a gate. */
export function gated(over: Partial<Gate> = {}): Partial<Rollout> {
  const exposure = aRamp(undefined, [50, 24], [100]);
  if (exposure.kind !== 'ramp') throw new Error('a ramp');
  const gate = { ...DEFAULT_GATE, minReports: 5, ...over };
  return { exposure: { kind: 'ramp', ramp: { ...exposure.ramp, gate } } };
}

export interface Scene extends PullJourney {
  readonly devices: readonly Enrolled[];
  /** Two exposed devices take the build and cannot install it. */
  breach(): Promise<void>;
  check(device: Enrolled | undefined, versionCode?: number): Promise<Answer>;
  /** How many are offered b42. */
  offered(): Promise<number>;
  brakes(): Pull[];
  halts(): Promise<{ kind: string; declared: boolean; pull_request: string | null }[]>;
  conditions(): Promise<string[]>;
  yaml(): string;
}

/** The whole controller with its GitHub, and a fleet that is offered b42 by this rollout. */
export const withRamp = (
  rollout: Partial<Rollout>,
  use: (scene: Scene) => Promise<void>,
  more: Omit<StateParts, 'rollout'> = {},
): Promise<void> =>
  withPullRequests(async pulls => {
    const { journey, hub } = pulls;
    const devices = await journey.enrol(IDS);
    await pulls.merge(await pulls.propose('b42', rollout, more));
    const check: Scene['check'] = (device, versionCode = 41) =>
      call(journey.url, 'GET', `/v1/agent/update?version_code=${versionCode}&sdk=33`, {
        token: device?.token ?? '',
      });
    const isOffered = async (device: Enrolled): Promise<boolean> => {
      const answer = await check(device);
      return answer.status === 200 && answer.json.build_id === 'b42';
    };
    const exposure = async () => (await journey.admin('GET', '/v1/rollout')).json.exposure;
    await use({
      ...pulls,
      devices,
      check,
      breach: async () => {
        let failed = 0;
        for (const device of devices) {
          if (failed === 2 || !(await isOffered(device))) continue;
          await call(journey.url, 'GET', '/v1/agent/builds/b42/apk', { token: device.token });
          await call(journey.url, 'POST', '/v1/action-result', {
            token: device.token,
            json: {
              request_id: `attempt-${device.device_id}`,
              build_id: 'b42',
              outcome: 'fail',
              reason: 'install_failed',
              version_code: 41,
            },
          });
          failed += 1;
        }
        await pulls.settle();
      },
      offered: async () => {
        let offered = 0;
        for (const device of devices) offered += (await isOffered(device)) ? 1 : 0;
        return offered;
      },
      brakes: () => hub.state.pulls.filter(p => p.headRef.startsWith('ota/brake-')),
      halts: async () => (await exposure()).halts,
      conditions: async () => (await exposure()).conditions.map((c: { code: string }) => c.code),
      yaml: () => hub.state.git.git('show', 'main:releases/rollout.yaml'),
    });
  });
