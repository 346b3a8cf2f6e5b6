/** Our own agent for the checks, in this process, with its real store on disk. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Agent as HttpAgent } from 'undici';
import { Agent } from '../../../agent/agent.ts';
import { parseCommand } from '../../../agent/cli/lines.ts';
import { scaledClock } from '../../../agent/clock.ts';
import type { AgentSetup, AgentUnderTest, RunningAgent } from '../../../agent/conform/agent/bench.ts';
import { controllerUrl } from '../../../agent/http/origin.ts';
import { type DeviceImage, SimulatedDevice } from '../../../agent/simulated/device.ts';
import { ApkFolder } from '../../../agent/store/apk-folder.ts';
import { CredentialFile } from '../../../agent/store/credentials.ts';
import { StateFile } from '../../../agent/store/state-file.ts';

async function start(
  setup: AgentSetup,
  folder: string,
  image: DeviceImage,
  keep: (image: DeviceImage) => void,
): Promise<RunningAgent> {
  const dispatcher = new HttpAgent();
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
  const credentials = await CredentialFile.open(folder, setup);
  const agent: Agent = new Agent({
    deviceId: setup.deviceId,
    controller: controllerUrl(setup.url),
    credentials,
    clock: scaledClock(setup.timeScale),
    random: Math.random,
    platform: device,
    files: new ApkFolder(path.join(folder, 'downloads')),
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
      const command = parseCommand(JSON.stringify(line));
      if (command?.kind === 'poll') agent.poll();
      if (command?.kind === 'nudge') agent.receive(command.message);
      if (command?.kind === 'conditions') device.set(command.conditions);
      if (command?.kind === 'fail_install') device.failInstall({ code: command.code });
    },
    kill: async () => {
      agent.kill();
      await agent.ended();
      await dispatcher.destroy();
    },
  };
}

export function ownAgent(): AgentUnderTest {
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
          return start(setup, folder, image, changed => {
            image = changed;
          });
        },
        dispose: () => rm(folder, { recursive: true, force: true }),
      };
    },
  };
}
