/** `ota-agent run`: one device, simulated or over adb, until it is stopped. */

import { randomInt } from 'node:crypto';
import path from 'node:path';
import { Option } from 'commander';
import { Agent as HttpAgent } from 'undici';
import { Fault } from '../../controller/domain/fault.ts';
import type { Outcome } from '../../controller/domain/outcome.ts';
import { AdbDevice } from '../adb/device.ts';
import { Agent } from '../agent.ts';
import { scaledClock, systemClock } from '../clock.ts';
import type { AgentEvent } from '../event.ts';
import { controllerUrl } from '../http/origin.ts';
import type { Platform } from '../ports.ts';
import { SimulatedDevice } from '../simulated/device.ts';
import { ApkFolder } from '../store/apk-folder.ts';
import { CredentialFile } from '../store/credentials.ts';
import { StateFile } from '../store/state-file.ts';
import { deviceToken, nudgeKeyOf, readText, secretOf } from './credentials.ts';
import { EXIT, type ExitCode, type Io } from './io.ts';
import { type AgentCommand, eventLine, readCommands } from './lines.ts';
import { MetricsFile } from './metrics-file.ts';
import { deviceIdOption, factor, fingerprintOption, wholeNumber } from './options.ts';
import type { Verb } from './program.ts';
import type { RunFlags as Flags } from './run-flags.ts';
import { fromSetup } from './setup.ts';
import { simulatedDevice } from './simulated.ts';

const EXAMPLES = `
Examples:
  # a simulated device that runs build 41 and polls until it is stopped
  OTA_AGENT_TOKEN_FILE=kiosk-7.token ota-agent run --simulated \\
    --url http://127.0.0.1:8080 --device kiosk-7 --state ./kiosk-7 \\
    --installed app-41.apk

  # a real device on USB: one check, exit code 1 when it or the attempt failed
  ota-agent run --adb R5CT10ABCDE --device R5CT10ABCDE --once \\
    --url https://ota.example.com --token-file r5.token \\
    --nudge-key-file r5.key --state /var/lib/ota-agent/r5

Events go to standard output as JSON lines. Standard input takes commands:
  {"poll": true}                              check now
  {"nudge": {"type": "update", …}}            a push message, as FCM delivers it
  {"stop": true}                              end in order
and for a simulated device also (null: cannot be read)
  {"conditions": {"unmetered_wifi": false, "battery_percent": 20,
                  "charging": null, "in_call": false}}
  {"fail_install": "INSTALL_FAILED_ABORTED"}  the next install ends like this
`;

export const runVerb: Verb = (program, choose) => {
  program
    .command('run')
    .description('run the agent of one device')
    .option('--url <url>', 'the controller (or OTA_AGENT_URL)')
    .option('--device <id>', 'the device id (or OTA_AGENT_DEVICE_ID)', deviceIdOption)
    .option('--token-file <file>', 'the device token')
    .option('--nudge-key-file <file>', 'the nudge key, base64 or hex')
    .option('--ca <file>', 'PEM of a private authority to trust')
    .option('--state <folder>', 'folder for the agent’s state and downloads')
    .option('--setup <file>', 'simulated: read all options from a JSON file written by "conform"')
    .option('--once', 'check once, finish the attempt, and exit')
    .option('--metrics-file <file>', 'write the event counters to this file, as Prometheus text')
    .addOption(new Option('--simulated', 'simulate a device').conflicts('adb'))
    .option('--adb <serial>', 'a real device reached by adb')
    .option('--adb-path <file>', 'the adb program', 'adb')
    .option('--service <name>', 'adb: the service to start after an update, package/.Name')
    .option('--package <name>', 'the agent’s package', 'com.nexmdm.agent')
    .option('--sdk <n>', 'simulated: the SDK level', wholeNumber(24, 10_000), 33)
    .option('--installed <apk>', 'simulated: APK installed at first')
    .option(
      '--version-code <n>',
      'simulated: version installed at first, instead of --installed',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    )
    .option('--signer <hex>', 'simulated: signer of that version', fingerprintOption)
    .option('--no-wifi', 'simulated: start without Wi-Fi')
    .option('--battery <percent>', 'simulated: initial battery level', wholeNumber(0, 100), 80)
    .option('--charging', 'simulated: plugged in')
    .option('--in-call', 'simulated: start in a call')
    .option('--no-downgrade', 'simulated: a device that refuses downgrades')
    .option(
      '--die-on-update',
      `simulated: exit with code ${EXIT.replaced} when replaced, as a phone kills its agent`,
    )
    .addOption(
      new Option('--time-scale <factor>', 'shorten waits by this factor').argParser(factor).default(1),
    )
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags) =>
      choose(io => runDevice(io, flags.setup === undefined ? flags : fromSetup(flags, flags.setup))),
    );
};

const need = (value: string | undefined, option: string, variable: string): string => {
  if (value === undefined || value === '')
    throw new Fault('option_missing', `give ${option}, or set ${variable}`, { retry: 'never' });
  return value;
};

/** The outcome of `--once`: that of the last attempt or report; without one, whether the checks were answered. */
class OnceVerdict {
  #outcome: Outcome | undefined;
  #unanswered = false;

  take(event: AgentEvent): void {
    if (event.type === 'ota.attempt.end' || event.type === 'ota.report') this.#outcome = event.outcome;
    if (event.type === 'ota.check.fail') this.#unanswered = true;
  }

  get failed(): boolean {
    return this.#outcome === undefined ? this.#unanswered : this.#outcome === 'fail';
  }
}

interface Ending {
  readonly promise: Promise<ExitCode>;
  readonly resolve: (code: ExitCode) => void;
}

function ending(): Ending {
  let resolve: (code: ExitCode) => void = () => {};
  const promise = new Promise<ExitCode>(settle => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function runDevice(io: Io, flags: Flags): Promise<ExitCode> {
  if (flags.simulated !== true && flags.adb === undefined)
    throw new Fault('option_missing', 'no device: give --simulated or --adb SERIAL', { retry: 'never' });
  const state = need(flags.state, '--state', 'a setup file');
  const controller = controllerUrl(need(flags.url ?? io.environment.OTA_AGENT_URL, '--url', 'OTA_AGENT_URL'));
  const deviceId = deviceIdOption(
    need(flags.device ?? io.environment.OTA_AGENT_DEVICE_ID, '--device', 'OTA_AGENT_DEVICE_ID'),
  );
  const credentials = await CredentialFile.open(state, {
    token: deviceToken(io, flags.tokenFile),
    nudgeKey: nudgeKeyOf(io, flags.nudgeKeyFile),
  });
  const dispatcher = new HttpAgent(
    flags.ca === undefined ? {} : { connect: { ca: readText(flags.ca, 'the authority') } },
  );
  const ended = ending();
  const platform = await platformOf(io, flags, state, () => ended.resolve(EXIT.replaced));
  const verdict = new OnceVerdict();
  const metrics = flags.metricsFile === undefined ? undefined : new MetricsFile(flags.metricsFile, deviceId);
  const agent = new Agent({
    deviceId,
    controller,
    credentials,
    pushToken: secretOf(io, 'OTA_AGENT_PUSH_TOKEN', undefined),
    clock: flags.timeScale === 1 ? systemClock : scaledClock(flags.timeScale),
    random: () => randomInt(2 ** 47) / 2 ** 47,
    platform,
    files: new ApkFolder(path.join(state, 'downloads')),
    store: new StateFile(state, deviceId),
    dispatcher,
    observe: (event: AgentEvent, atMs: number) => {
      verdict.take(event);
      metrics?.take(event, atMs);
      io.out(`${eventLine(deviceId, event, atMs)}\n`);
    },
  });
  return live(io, flags, agent, platform, ended, verdict).finally(() => {
    metrics?.write();
    return dispatcher.destroy();
  });
}

async function platformOf(io: Io, flags: Flags, state: string, replaced: () => void): Promise<Platform> {
  if (flags.adb !== undefined)
    return new AdbDevice({
      serial: flags.adb,
      adbPath: flags.adbPath,
      package: flags.package,
      service: flags.service,
      note: text => io.err(`${text}\n`),
    });
  const device: SimulatedDevice = await simulatedDevice(state, flags, () => {
    if (flags.dieOnUpdate === true) replaced();
  });
  return device;
}

async function live(
  io: Io,
  flags: Flags,
  agent: Agent,
  platform: Platform,
  ended: Ending,
  verdict: OnceVerdict,
): Promise<ExitCode> {
  const stop = () => ended.resolve(EXIT.fine);
  io.interrupted.addEventListener('abort', stop);
  const closeCommands = readCommands(
    io.stdin,
    command => obey(command, agent, platform, stop),
    text => io.err(text),
  );
  try {
    await agent.start();
    if (flags.once === true)
      void agent.settled().then(() => ended.resolve(verdict.failed ? EXIT.failed : EXIT.fine));
    const code = await ended.promise;
    if (code === EXIT.replaced) agent.kill();
    else await agent.stop();
    return code;
  } finally {
    closeCommands();
    io.interrupted.removeEventListener('abort', stop);
    agent.kill();
  }
}

function obey(command: AgentCommand, agent: Agent, platform: Platform, stop: () => void): void {
  if (command.kind === 'poll') agent.poll();
  else if (command.kind === 'nudge') agent.receive(command.message);
  else if (command.kind === 'stop') stop();
  else if (platform instanceof SimulatedDevice) {
    if (command.kind === 'conditions') platform.set(command.conditions);
    else platform.failInstall({ code: command.code });
  }
}
