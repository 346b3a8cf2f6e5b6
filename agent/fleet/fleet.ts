/** Many agents in one process over real HTTP: what the demo, the CLI and load tests drive. */
import { LRUCache } from 'lru-cache';
import { Agent as HttpAgent } from 'undici';
import type { DeviceId } from '../../controller/domain/ids.ts';
import { scaledClock, systemClock } from '../clock.ts';
import type { AgentEvent } from '../event.ts';
import { controllerUrl } from '../http/origin.ts';
import type { Clock } from '../ports.ts';
import type { VerdictCache } from '../verify.ts';
import { type FleetDevice, Member, type MemberView, type MemberWorld } from './member.ts';
import { failInstalls, type Profile, settle, simulateConditions } from './population.ts';
import { type FleetSummary, Tally } from './summary.ts';

interface FleetOptions {
  /** The controller: https, or http on loopback. */
  readonly url: string;
  readonly devices: readonly FleetDevice[];
  /** The same seed gives every device the same random numbers. */
  readonly seed: number;
  /** The agent's package name on all devices. */
  readonly package?: string;
  /** Waits (polls, back-offs) are shortened by this factor; 1 is real time. */
  readonly scale?: number;
  /** The devices' clock; default: the system's. If set, `scale` is ignored. */
  readonly clock?: Clock;
  /** How the devices differ and change over time; without it they stay as given in `devices`. */
  readonly profile?: Profile;
  /** Devices that act at once in `start` and `pollAll`. */
  readonly concurrency?: number;
  /** Sockets to the controller. */
  readonly connections?: number;
  /** PEM of a private authority to trust. */
  readonly ca?: string;
  readonly onEvent?: (deviceId: DeviceId, event: AgentEvent, atMs: number) => void;
  /** Called after each device that settled. */
  readonly onProgress?: (done: number, total: number) => void;
}

const DEFAULT_PACKAGE = 'com.nexmdm.agent';
const DEFAULT_CONCURRENCY = 64;

export class Fleet {
  readonly #options: FleetOptions;
  readonly #members: ReadonlyMap<DeviceId, Member>;
  readonly #dispatcher: HttpAgent;
  readonly #tally = new Tally();
  readonly #clock: Clock;
  readonly #lives: (() => void)[] = [];

  /** Fault `url_refused` for a URL that agents refuse. */
  constructor(options: FleetOptions) {
    this.#options = options;
    const connections = options.connections ?? DEFAULT_CONCURRENCY;
    this.#dispatcher = new HttpAgent({
      connections,
      ...(options.ca === undefined ? {} : { connect: { ca: options.ca } }),
    });
    const verdicts: VerdictCache = new LRUCache({ max: 64 });
    const world: MemberWorld = {
      controller: controllerUrl(options.url),
      package: options.package ?? DEFAULT_PACKAGE,
      seed: options.seed,
      clock: options.clock ?? clockOf(options.scale),
      dispatcher: this.#dispatcher,
      verdicts,
      observe: (deviceId, event, atMs) => {
        this.#tally.take(event);
        options.onEvent?.(deviceId, event, atMs);
      },
    };
    const { profile, seed } = options;
    const settled =
      profile === undefined ? options.devices : options.devices.map(device => settle(device, profile, seed));
    this.#members = new Map(settled.map(device => [device.deviceId, new Member(device, world)]));
    this.#clock = world.clock;
    if (profile !== undefined)
      for (const { device, deviceId } of this.#members.values())
        failInstalls(device, deviceId, profile, seed);
  }

  /** Starts every agent, which checks at once; resolves when all have settled. */
  start(concurrency?: number): Promise<void> {
    return this.#each(concurrency, async member => {
      await member.start();
      await member.settled();
    });
  }

  /** Every device asks now; resolves when all have settled: installed, deferred, or with nothing to do. */
  pollAll(concurrency?: number): Promise<void> {
    return this.#each(concurrency, async member => {
      member.poll();
      await member.settled();
    });
  }

  /** One device asks now; resolves when it has settled. */
  async poll(deviceId: DeviceId): Promise<void> {
    const member = this.member(deviceId);
    member.poll();
    await member.settled();
  }

  /** Delivers a push message like the device's push channel. */
  push(deviceId: DeviceId, message: Readonly<Record<string, unknown>>): void {
    this.member(deviceId).receive(message);
  }

  has(deviceId: DeviceId): boolean {
    return this.#members.has(deviceId);
  }

  /** The simulated device, to change its conditions or make it fail. */
  member(deviceId: DeviceId): Member {
    const member = this.#members.get(deviceId);
    if (member === undefined) throw new Error(`no device ${deviceId} in this fleet`);
    return member;
  }

  /** From now on conditions change according to the profile; agents run on their own timers. */
  enliven(): void {
    const { profile, seed } = this.#options;
    if (profile === undefined) return;
    for (const member of this.#members.values())
      this.#lives.push(simulateConditions(member.device, member.deviceId, profile, seed, this.#clock));
  }

  settled(): Promise<void> {
    return this.#each(Number.POSITIVE_INFINITY, member => member.settled());
  }

  devices(): MemberView[] {
    return [...this.#members.values()].map(member => member.view());
  }

  summary(): FleetSummary {
    return this.#tally.summary(this.devices());
  }

  async stop(): Promise<void> {
    for (const end of this.#lives) end();
    for (const member of this.#members.values()) member.stop();
    await this.#dispatcher.destroy();
  }

  async #each(
    concurrency = this.#options.concurrency ?? DEFAULT_CONCURRENCY,
    act: (member: Member) => Promise<void>,
  ): Promise<void> {
    const queue = [...this.#members.values()];
    const total = queue.length;
    let done = 0;
    const worker = async () => {
      for (let member = queue.shift(); member !== undefined; member = queue.shift()) {
        await act(member);
        done += 1;
        this.#options.onProgress?.(done, total);
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, total) }, worker));
  }
}

const clockOf = (scale = 1): Clock => (scale === 1 ? systemClock : scaledClock(scale));

/** Starts a fleet, lets every device check and settle once, and stops it. */
export async function runFleet(options: FleetOptions): Promise<FleetSummary> {
  const fleet = new Fleet(options);
  try {
    await fleet.start();
    return fleet.summary();
  } finally {
    await fleet.stop();
  }
}

export type { FleetDevice, FleetSummary, MemberView };
