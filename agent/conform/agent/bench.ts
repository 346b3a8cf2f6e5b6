/** The tools of a check: a scripted controller, the agent under test, and bounded waits. */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { bucketOf } from '../../../controller/domain/cohort.ts';
import { signNudge } from '../../../controller/domain/nudge/message.ts';
import { Finding, must } from '../finding.ts';
import { type ScriptedController, type Seen, type ServedBuild, TOKEN } from './scripted-controller.ts';
import type {
  AgentSetup,
  AgentUnderTest,
  ApkKit,
  DeviceUnderTest,
  RunningAgent,
  SetupConditions,
} from './under-test.ts';

export const STEP_MS = 2;
const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));

const GOOD: SetupConditions = { unmetered_wifi: true, battery_percent: 80, charging: false, in_call: false };
const NUDGE_KEY = Buffer.alloc(32, 9);
export const DEVICE_ID = 'conform-1';

interface StartOptions {
  readonly versionCode?: number;
  readonly conditions?: Partial<SetupConditions>;
  readonly dieOnUpdate?: boolean;
  readonly sdk?: number;
  /** Overrides the time scale of the run, for checks about long waits. */
  readonly timeScale?: number;
  /** Does not wake a sleeping agent. */
  readonly unprompted?: boolean;
}

export class Bench {
  readonly kit: ApkKit;
  readonly server: ScriptedController;
  readonly #under: AgentUnderTest;
  readonly #device: DeviceUnderTest;
  #setup: AgentSetup | undefined;
  /** Waiting steps so far: a measure of time that allows for a busy machine. */
  steps = 0;
  readonly warnings: string[] = [];
  agent: RunningAgent | undefined;

  constructor(kit: ApkKit, server: ScriptedController, under: AgentUnderTest, device: DeviceUnderTest) {
    this.kit = kit;
    this.server = server;
    this.#under = under;
    this.#device = device;
  }

  get timeScale(): number {
    return this.#setup?.timeScale ?? this.#under.timeScale;
  }

  /** Silence after which nothing more is expected, in ms. */
  get quietMs(): number {
    return this.#under.quietMs;
  }

  /** Warnings: allowed by this version of the protocol, but not for ever. */
  warn(text: string): void {
    this.warnings.push(text);
  }

  build(versionCode: 40 | 41 | 42 | 43, more: Partial<ServedBuild> = {}): ServedBuild {
    return {
      buildId: `b${versionCode}`,
      versionCode,
      apk: this.kit[`v${versionCode}`],
      signer: this.kit.signer,
      ...more,
    };
  }

  /** Starts the agent on a device that runs version 41 unless told otherwise. */
  async start(options: StartOptions = {}): Promise<void> {
    const { package: name, signer } = this.kit;
    this.#setup = {
      url: this.server.url,
      deviceId: DEVICE_ID,
      token: TOKEN,
      nudgeKey: NUDGE_KEY,
      package: name,
      sdk: options.sdk ?? 33,
      versionCode: options.versionCode ?? 41,
      signer,
      conditions: { ...GOOD, ...options.conditions },
      timeScale: options.timeScale ?? this.#under.timeScale,
      dieOnUpdate: options.dieOnUpdate ?? false,
    };
    await this.#begin(this.#setup, options.unprompted ?? false);
  }

  /** Another process on the same device. */
  async restart(unprompted = false): Promise<void> {
    if (this.#setup === undefined) throw new Error('the agent was never started');
    await this.agent?.kill();
    await this.#begin(this.#setup, unprompted);
  }

  /** Wakes an agent that does not check at its start, so that only one check reports that fault. */
  async #begin(setup: AgentSetup, unprompted: boolean): Promise<void> {
    const before = this.server.seen.length;
    this.agent = await this.#device.start(setup);
    const end = Date.now() + this.#under.limitMs / 2;
    while (!unprompted && this.server.seen.length === before) {
      if (Date.now() > end) {
        this.agent.tell({ poll: true });
        return;
      }
      await pause(STEP_MS);
    }
  }

  async end(): Promise<void> {
    await this.agent?.kill();
    await this.#device.dispose();
  }

  tell(command: object): void {
    this.agent?.tell(command);
  }

  async until(what: string, probe: () => boolean): Promise<void> {
    if (!(await this.patience(probe))) throw new Finding(`${what} did not come in time`);
  }

  /** Waits for `probe`; false if the time limit passed first. */
  async patience(probe: () => boolean): Promise<boolean> {
    const end = Date.now() + this.#under.limitMs;
    while (!probe()) {
      if (Date.now() > end) return false;
      await pause(STEP_MS);
      this.steps += 1;
    }
    return true;
  }

  /**
   * Waits until the agent has sent no request for a while. Time is counted in steps: a busy machine stretches our steps
   * as much as it slows the agent.
   */
  async quiet(times = 1): Promise<void> {
    const needed = (this.#under.quietMs * times) / STEP_MS;
    const end = Date.now() + this.#under.limitMs;
    let count = -1;
    for (let silent = 0; silent < needed && Date.now() < end; silent++) {
      if (this.server.seen.length !== count) {
        count = this.server.seen.length;
        silent = 0;
      }
      await pause(STEP_MS);
    }
  }

  /** Waits for `times` silence periods, even if requests arrive. */
  async watch(times: number): Promise<void> {
    const steps = (this.#under.quietMs * times) / STEP_MS;
    for (let step = 0; step < steps; step++) await pause(STEP_MS);
  }

  /** The version that the agent reports now. */
  async running(): Promise<number> {
    await this.quiet();
    const before = this.server.checks().length;
    this.tell({ poll: true });
    await this.until('an answer to {"poll": true}', () => this.server.checks().length > before);
    const version = Number(this.server.checks()[before]?.query.get('version_code'));
    await this.quiet();
    return version;
  }

  finals(): Record<string, unknown>[] {
    return this.server.reports().filter(report => report.outcome !== 'deferred');
  }

  /** The agent must end up running this version and report it. */
  async installs(versionCode: number): Promise<void> {
    await this.until(`a report that version ${versionCode} was installed`, () =>
      this.finals().some(r => r.outcome === 'ok' && r.version_code === versionCode),
    );
    const running = await this.running();
    must(running === versionCode, `it reported version ${versionCode} and runs ${running}`);
  }

  /** The agent must not install. If `results` are given, it must report one of them. */
  async refuses(...results: readonly string[]): Promise<void> {
    await this.until(
      `a report of ${results.join(' or ')}`,
      () => results.length === 0 || this.finals().length > 0,
    );
    await this.quiet();
    const [final] = this.finals();
    const said = `${final?.outcome}/${final?.reason}`;
    must(results.length === 0 || results.includes(said), `it reported ${said}, not ${results.join(' or ')}`);
    await this.stays();
  }

  /** The version must not have changed; checked without an extra request to the controller. */
  async stays(): Promise<void> {
    this.server.offer = undefined;
    this.server.onCheck = undefined;
    const running = await this.running();
    must(running === (this.#setup?.versionCode ?? 41), `it runs version ${running}`);
  }

  nudge(
    more: { issuedAtMs?: number; requestId?: string; deviceId?: string; key?: Buffer } = {},
  ): Record<string, unknown> {
    return signNudge(more.key ?? NUDGE_KEY, more.deviceId ?? DEVICE_ID, {
      buildId: 'b42',
      requestId: more.requestId ?? randomUUID(),
      issuedAtMs: more.issuedAtMs ?? Date.now(),
    });
  }

  /** Sends a push message that must not lead to a check. */
  async ignores(message: Record<string, unknown>): Promise<void> {
    const before = this.server.checks().length;
    this.tell({ nudge: message });
    await this.quiet();
    must(this.server.checks().length === before, 'it asked the controller because of it');
  }

  get bucketPercent(): number {
    return Math.floor(bucketOf(DEVICE_ID, '') / 100);
  }

  /** Sends the beginning of the APK and then keeps the connection open. */
  stall(apk: Buffer, bytes: number): (seen: Seen, response: ServerResponse) => void {
    return (_, response) => {
      response.writeHead(200, { 'content-length': apk.length, etag: '"cut"' });
      response.write(apk.subarray(0, bytes));
    };
  }
}
