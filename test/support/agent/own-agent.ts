/** Our own agent for the checks, in this process, with its real store on disk. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Dispatcher, Agent as HttpAgent } from 'undici';
import { Agent } from '../../../agent/agent.ts';
import { parseCommand } from '../../../agent/cli/lines.ts';
import { scaledClock } from '../../../agent/clock.ts';
import type { AgentSetup, AgentUnderTest, RunningAgent } from '../../../agent/conform/agent/under-test.ts';
import { controllerUrl } from '../../../agent/http/origin.ts';
import type { ApkFiles, Clock, Credentials } from '../../../agent/ports.ts';
import { type DeviceImage, SimulatedDevice } from '../../../agent/simulated/device.ts';
import { step } from '../../../agent/step.ts';
import { ApkFolder } from '../../../agent/store/apk-folder.ts';
import { CredentialFile } from '../../../agent/store/credentials.ts';
import { StateFile } from '../../../agent/store/state-file.ts';

/** What is wrong about an agent: its state machine, its network, its files, what it keeps, or what it hears. */
export interface Wrong {
  readonly step?: (right: typeof step) => typeof step;
  readonly network?: (right: Dispatcher, setup: AgentSetup) => Dispatcher;
  readonly files?: (right: ApkFiles) => ApkFiles;
  readonly credentials?: (right: Credentials) => Credentials;
  /** Undefined: the command is not heard. */
  readonly hears?: (
    command: Readonly<Record<string, unknown>>,
  ) => Readonly<Record<string, unknown>> | undefined;
  readonly clock?: (right: Clock) => Clock;
}

async function start(
  setup: AgentSetup,
  folder: string,
  image: DeviceImage,
  keep: (image: DeviceImage) => void,
  wrong: Wrong,
): Promise<RunningAgent> {
  const network = new HttpAgent();
  const dispatcher = wrong.network?.(network, setup) ?? network;
  let ended = false;
  const { unmetered_wifi, battery_percent, charging, in_call } = setup.conditions;
  const device = new SimulatedDevice({
    image,
    conditions: {
      unmeteredWifi: unmetered_wifi ?? undefined,
      batteryPercent: battery_percent ?? undefined,
      charging: charging ?? undefined,
      inCall: in_call ?? undefined,
    },
    keep: async changed => keep(changed),
    onReplaced: () => {
      if (!setup.dieOnUpdate) return;
      ended = true;
      agent.kill();
    },
  });
  const files = new ApkFolder(path.join(folder, 'downloads'));
  const credentials = await CredentialFile.open(folder, setup);
  const agent: Agent = new Agent({
    deviceId: setup.deviceId,
    controller: controllerUrl(setup.url),
    credentials: wrong.credentials?.(credentials) ?? credentials,
    clock: wrong.clock?.(scaledClock(setup.timeScale)) ?? scaledClock(setup.timeScale),
    step: wrong.step?.(step),
    random: Math.random,
    platform: device,
    files: wrong.files?.(files) ?? files,
    store: new StateFile(folder, setup.deviceId),
    dispatcher,
    observe: () => {},
  });
  await agent.start();
  return {
    get ended() {
      return ended;
    },
    tell: line => {
      const given = line as Readonly<Record<string, unknown>>;
      const command = parseCommand(
        JSON.stringify(wrong.hears === undefined ? given : (wrong.hears(given) ?? {})),
      );
      if (command?.kind === 'poll') agent.poll();
      if (command?.kind === 'nudge') agent.receive(command.message);
      if (command?.kind === 'conditions') device.set(command.conditions);
      if (command?.kind === 'fail_install') device.failInstall({ code: command.code });
    },
    kill: async () => {
      agent.kill();
      await agent.ended();
      await network.destroy();
    },
  };
}

export function ownAgent(wrong: Wrong = {}): AgentUnderTest {
  return {
    quietMs: 150,
    limitMs: 6_000,
    timeScale: 1_000,
    device: async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'ota-own-agent-'));
      let image: DeviceImage | undefined;
      return {
        start: setup => {
          const { package: name, versionCode, signer, sdk } = setup;
          image ??= {
            installed: { package: name, versionCode, signer, sha256: undefined },
            sdk,
            installCalls: 0,
          };
          return start(
            setup,
            folder,
            image,
            changed => {
              image = changed;
            },
            wrong,
          );
        },
        dispose: () => rm(folder, { recursive: true, force: true }),
      };
    },
  };
}
