/** One simulated device and its agent against a protocol server: real HTTP, virtual time, memory in place of a disk. */
import { Agent as HttpAgent } from 'undici';
import { Agent } from '../../../agent/agent.ts';
import { type VirtualClock, virtualClock } from '../../../agent/clock.ts';
import type { AgentEvent } from '../../../agent/event.ts';
import { controllerUrl } from '../../../agent/http/origin.ts';
import type { ApkFiles, Credentials, StateStore } from '../../../agent/ports.ts';
import { seededRandom } from '../../../agent/random.ts';
import { type DeviceImage, SimulatedDevice, type SimulatedOptions } from '../../../agent/simulated/device.ts';
import { MemoryCredentials } from '../../../agent/store/credentials.ts';
import { MemoryApks, MemoryState } from '../../../agent/store/memory.ts';
import { fingerprintOf, makeApk, type TestKey, testKey } from '../apk/index.ts';
import { type ProtocolServer, type ServedBuild, startProtocolServer, TOKEN } from './protocol-server.ts';

export const DEVICE_ID = 'kiosk-7';
export const NUDGE_KEY = Buffer.alloc(32, 7);
export const key: TestKey = testKey('release');
export const otherKey: TestKey = testKey('stranger');
export const PACKAGE = 'com.nexmdm.agent';

export function buildOf(
  versionCode: number,
  options: Partial<Parameters<typeof makeApk>[0]> = {},
): ServedBuild {
  const apk = makeApk({ key, versionCode, ...options });
  return { buildId: `b${versionCode}`, versionCode, apk, signer: fingerprintOf(options.key ?? key) };
}

export const imageOf = (versionCode: number): DeviceImage => ({
  installed: { package: PACKAGE, versionCode, signer: fingerprintOf(key), sha256: undefined },
  sdk: 33,
  installCalls: 0,
});

export interface Scene {
  readonly server: ProtocolServer;
  readonly clock: VirtualClock;
  readonly device: SimulatedDevice;
  readonly events: AgentEvent[];
  /** When each event was logged. */
  readonly loggedMs: number[];
  readonly files: ApkFiles;
  readonly store: StateStore;
  agent: Agent;
  /** Another process on the same device, with what the last one left. */
  restart(): Promise<void>;
  typesOf(prefix?: string): string[];
}

export interface SceneOptions {
  readonly device?: Partial<SimulatedOptions>;
  readonly versionCode?: number;
  readonly files?: ApkFiles;
  readonly store?: StateStore;
  readonly credentials?: Credentials;
  readonly pushToken?: string;
  readonly startMs?: number;
  readonly stallTimeoutMs?: number;
  /** Leaves the agent unstarted. */
  readonly idle?: boolean;
  /** Set up before the agent starts. */
  readonly prepare?: (server: ProtocolServer) => void;
}

export async function withAgent(options: SceneOptions, run: (scene: Scene) => Promise<void>): Promise<void> {
  const server = await startProtocolServer();
  const dispatcher = new HttpAgent({ keepAliveTimeout: 1_000 });
  options.prepare?.(server);
  const clock = virtualClock(options.startMs ?? Date.now());
  const device = new SimulatedDevice({ image: imageOf(options.versionCode ?? 41), ...options.device });
  const events: AgentEvent[] = [];
  const loggedMs: number[] = [];
  const files = options.files ?? new MemoryApks();
  const store = options.store ?? new MemoryState();
  const random = seededRandom(1);
  const credentials = options.credentials ?? new MemoryCredentials({ token: TOKEN, nudgeKey: NUDGE_KEY });
  const make = () =>
    new Agent({
      deviceId: DEVICE_ID,
      controller: controllerUrl(server.url),
      credentials,
      pushToken: options.pushToken,
      clock,
      random,
      platform: device,
      files,
      store,
      dispatcher,
      stallTimeoutMs: options.stallTimeoutMs,
      observe: (event, atMs) => {
        events.push(event);
        loggedMs.push(atMs);
      },
    });
  const scene: Scene = {
    server,
    clock,
    device,
    events,
    loggedMs,
    files,
    store,
    agent: make(),
    async restart() {
      scene.agent.kill();
      scene.agent = make();
      await scene.agent.start();
      await scene.agent.settled();
    },
    typesOf: (prefix = '') => events.map(e => e.type).filter(t => t.startsWith(prefix)),
  };
  try {
    if (options.idle !== true) {
      await scene.agent.start();
      await scene.agent.settled();
    }
    await run(scene);
  } finally {
    scene.agent.kill();
    await dispatcher.destroy();
    await server.close();
  }
}

/** Advances virtual time in small stretches, letting real I/O settle in between. */
export async function pass(scene: Scene, ms: number, stretchMs = 60_000): Promise<void> {
  for (let left = ms; left > 0; left -= stretchMs) {
    scene.clock.advance(Math.min(left, stretchMs));
    await scene.agent.settled();
  }
}
