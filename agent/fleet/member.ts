/** One device of a fleet: its simulated hardware, its agent, and its results. */
import { createHash } from 'node:crypto';
import type { Dispatcher } from 'undici';
import type { BuildId, DeviceId, Sha256 } from '../../controller/domain/ids.ts';
import { Agent } from '../agent.ts';
import type { AgentEvent, Counters } from '../event.ts';
import type { Clock } from '../ports.ts';
import { seededRandom } from '../random.ts';
import type { Conditions } from '../readings.ts';
import { SimulatedDevice } from '../simulated/device.ts';
import type { AgentState } from '../state.ts';
import { MemoryCredentials } from '../store/credentials.ts';
import { MemoryApks, MemoryState } from '../store/memory.ts';
import type { VerdictCache } from '../verify.ts';

export interface FleetDevice {
  readonly deviceId: DeviceId;
  readonly token: string;
  readonly nudgeKey?: Uint8Array;
  readonly pushToken?: string;
  readonly versionCode: number;
  readonly buildId?: BuildId;
  /** SHA-256 of the installed APK's signing certificate. */
  readonly signer: Sha256;
  readonly sdk?: number;
  readonly conditions?: Partial<Conditions>;
  /** `die`: like a phone, the agent's process ends when its package is replaced, and another starts. */
  readonly selfUpdate?: 'survive' | 'die';
  readonly mayDowngrade?: boolean;
}

/** The present state of one device. */
export interface MemberView {
  readonly deviceId: DeviceId;
  readonly versionCode: number;
  readonly buildId: BuildId | undefined;
  readonly phase: AgentState['phase']['name'];
  readonly checks: number;
  readonly downloads: number;
  /** Installs that ended with the new version running. */
  readonly installs: number;
  /** Calls of the package manager, failed ones too. */
  readonly installCalls: number;
  readonly failures: number;
  readonly counters: Readonly<Counters>;
}

export interface MemberWorld {
  readonly controller: URL;
  readonly package: string;
  readonly seed: number;
  readonly clock: Clock;
  readonly dispatcher: Dispatcher;
  readonly verdicts: VerdictCache;
  readonly observe: (deviceId: DeviceId, event: AgentEvent, atMs: number) => void;
}

/** A random stream per device, so its behaviour does not depend on the order in which others act. */
export function randomOf(seed: number, deviceId: DeviceId) {
  const digest = createHash('sha256').update(`${seed}\n${deviceId}`).digest();
  return seededRandom(digest.readUInt32BE(0));
}

export class Member {
  readonly device: SimulatedDevice;
  readonly #config: FleetDevice;
  readonly #world: MemberWorld;
  readonly #store = new MemoryState();
  readonly #files = new MemoryApks();
  readonly #credentials: MemoryCredentials;
  readonly #counters: Counters = {};
  readonly #random: () => number;
  #agent: Agent;
  #starting: Promise<void> = Promise.resolve();

  constructor(config: FleetDevice, world: MemberWorld) {
    this.#config = config;
    this.#world = world;
    this.#credentials = new MemoryCredentials({ token: config.token, nudgeKey: config.nudgeKey });
    this.#random = randomOf(world.seed, config.deviceId);
    this.device = new SimulatedDevice({
      image: {
        installed: {
          package: world.package,
          versionCode: config.versionCode,
          signer: config.signer,
          sha256: undefined,
        },
        sdk: config.sdk ?? 33,
        installCalls: 0,
      },
      conditions: config.conditions ?? {},
      mayDowngrade: config.mayDowngrade ?? true,
      verdicts: world.verdicts,
      onReplaced: () => {
        if (config.selfUpdate === 'die') this.#reincarnate();
      },
    });
    this.#agent = this.#make();
  }

  get deviceId(): DeviceId {
    return this.#config.deviceId;
  }

  #make(): Agent {
    const { deviceId, pushToken } = this.#config;
    const { controller, clock, dispatcher, verdicts } = this.#world;
    return new Agent({
      deviceId,
      controller,
      credentials: this.#credentials,
      pushToken,
      clock,
      random: this.#random,
      platform: this.device,
      files: this.#files,
      store: this.#store,
      dispatcher,
      verdicts,
      observe: (event, atMs) => {
        this.#counters[event.type] = (this.#counters[event.type] ?? 0) + 1;
        this.#world.observe(deviceId, event, atMs);
      },
    });
  }

  #reincarnate(): void {
    this.#agent.kill();
    this.#agent = this.#make();
    this.#starting = this.#agent.start();
  }

  start(): Promise<void> {
    this.#starting = this.#agent.start();
    return this.#starting;
  }

  poll(): void {
    this.#agent.poll();
  }

  receive(message: Readonly<Record<string, unknown>>): void {
    this.#agent.receive(message);
  }

  /** Resolves when the device only waits. */
  async settled(): Promise<void> {
    let agent: Agent;
    do {
      agent = this.#agent;
      await this.#starting;
      await agent.settled();
    } while (agent !== this.#agent);
  }

  stop(): void {
    this.#agent.kill();
  }

  view(): MemberView {
    const { installed, installCalls } = this.device.image;
    const { state } = this.#agent;
    const counters = this.#counters;
    const known =
      state.installed?.versionCode === installed.versionCode ? state.installed.buildId : undefined;
    const initial = installed.versionCode === this.#config.versionCode ? this.#config.buildId : undefined;
    return {
      deviceId: this.deviceId,
      versionCode: installed.versionCode,
      buildId: known ?? initial,
      phase: state.phase.name,
      checks: counters['ota.check'] ?? 0,
      downloads: counters['ota.download.start'] ?? 0,
      installs: counters['ota.install.ok'] ?? 0,
      installCalls,
      failures: (counters['ota.install.fail'] ?? 0) + (counters['ota.verify.fail'] ?? 0),
      counters,
    };
  }
}
