/** `ota-agent fleet`: many simulated agents in one process against one controller. */

import { Presets, SingleBar } from 'cli-progress';
import { Option } from 'commander';
import { Agent as HttpAgent } from 'undici';
import { Fault } from '../../controller/domain/fault.ts';
import { type Credential, enrol, parseCredentials } from '../fleet/enrolment.ts';
import { Fleet, type FleetDevice, type FleetSummary } from '../fleet/fleet.ts';
import { type Profile, REALISTIC } from '../fleet/population.ts';
import { controllerUrl } from '../http/origin.ts';
import { readText, secretOf } from './credentials.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { eventLine, readCommands } from './lines.ts';
import { duration, factor, fingerprintOption, share, wholeNumber } from './options.ts';
import type { Verb } from './program.ts';
import { firstImage } from './simulated.ts';

interface Flags {
  readonly url?: string;
  readonly devices: number;
  readonly seed: number;
  readonly prefix: string;
  readonly credentials?: string;
  readonly ca?: string;
  readonly package: string;
  readonly sdk: number;
  readonly installed?: string;
  readonly versionCode?: number;
  readonly signer?: string;
  readonly scale: number;
  readonly for?: number;
  readonly rounds: number;
  readonly concurrency: number;
  readonly wifi: number;
  readonly plugged: number;
  readonly calls: number;
  readonly installFailures: number;
  readonly dies: number;
  readonly events?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  # 5,000 devices that run build 41 check once; an operator's token enrols them
  OTA_ADMIN_TOKEN=… ota-agent fleet --url http://127.0.0.1:8080 \\
    --devices 5000 --seed 7 --installed app-41.apk

  # the same fleet lives for two days in two minutes
  ota-agent fleet --url http://127.0.0.1:8080 --credentials fleet.json \\
    --seed 7 --installed app-41.apk --for 2d --scale 1440

Standard input takes JSON lines, each with a "device_id":
  {"device_id": "sim-3", "nudge": {…}}
  {"device_id": "sim-3", "conditions": {…}}

Environment: OTA_ADMIN_TOKEN or OTA_ADMIN_TOKEN_FILE, without --credentials.
`;

export const fleetVerb: Verb = (program, choose) => {
  program
    .command('fleet')
    .description('simulate many devices in one process')
    .option('--url <url>', 'the controller (or OTA_AGENT_URL)')
    .option('--devices <n>', 'how many', wholeNumber(1, 1_000_000), 500)
    .option('--seed <n>', 'random seed; the same seed repeats the same behaviour', wholeNumber(0, 2 ** 32), 1)
    .option('--prefix <text>', 'device ids are PREFIX-0, PREFIX-1, …', 'sim')
    .option('--credentials <file>', 'use the JSON answer of a bulk import instead of enrolling')
    .option('--ca <file>', 'PEM of a private authority to trust')
    .option('--package <name>', 'the agent’s package', 'com.nexmdm.agent')
    .option('--sdk <n>', 'their SDK level', wholeNumber(24, 10_000), 33)
    .option('--installed <apk>', 'APK that they run at first')
    .option(
      '--version-code <n>',
      'version that they run at first, instead of --installed',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option('--signer <hex>', 'signer of that version', fingerprintOption)
    .option('--rounds <n>', 'checks per device, without --for', wholeNumber(1, 1000), 1)
    .option('--for <duration>', 'let them run and poll by themselves this long (90s, 6h, 2d)', duration)
    .addOption(
      new Option('--scale <factor>', 'with --for: time runs this many times faster')
        .argParser(factor)
        .default(1),
    )
    .option('--concurrency <n>', 'devices that act at once', wholeNumber(1, 10_000), 64)
    .option('--wifi <share>', 'share of time on unmetered Wi-Fi', share, REALISTIC.wifi)
    .option('--plugged <share>', 'share of devices on mains', share, REALISTIC.plugged)
    .option('--calls <share>', 'share of time in a call', share, REALISTIC.calls)
    .option('--install-failures <share>', 'share of installs that fail', share, REALISTIC.installFailures)
    .option('--dies <share>', 'share of agents killed by their own update', share, REALISTIC.dies)
    .option('--events', 'print every agent event as a JSON line')
    .option('--json', 'print the summary as JSON')
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags) => choose(io => runFleetVerb(io, flags)));
};

async function credentialsOf(
  io: Io,
  flags: Flags,
  controller: URL,
  ca: string | undefined,
): Promise<Credential[]> {
  if (flags.credentials !== undefined)
    return parseCredentials(readText(flags.credentials, 'the credentials')).slice(0, flags.devices);
  const admin = secretOf(io, 'OTA_ADMIN_TOKEN', undefined);
  if (admin === undefined)
    throw new Fault(
      'credentials_missing',
      'give --credentials FILE, or an operator’s token in OTA_ADMIN_TOKEN to enrol the devices',
      {
        retry: 'never',
      },
    );
  const dispatcher = new HttpAgent(ca === undefined ? {} : { connect: { ca } });
  try {
    const ids = Array.from({ length: flags.devices }, (_, n) => `${flags.prefix}-${n}`);
    return await enrol(controller, admin, ids, dispatcher);
  } finally {
    await dispatcher.close();
  }
}

async function runFleetVerb(io: Io, flags: Flags): Promise<ExitCode> {
  const url = flags.url ?? io.environment.OTA_AGENT_URL;
  if (url === undefined)
    throw new Fault('option_missing', 'give --url, or set OTA_AGENT_URL', { retry: 'never' });
  const controller = controllerUrl(url);
  const { installed } = await firstImage(flags);
  if (installed.signer === undefined)
    throw new Fault(
      'option_missing',
      'no installed version: give --installed APK, or --version-code and --signer',
      { retry: 'never' },
    );
  const ca = flags.ca === undefined ? undefined : readText(flags.ca, 'the authority');
  const { signer, versionCode } = installed;
  const devices = (await credentialsOf(io, flags, controller, ca)).map(
    ({ deviceId, token, nudgeKey }): FleetDevice => ({
      deviceId,
      token,
      versionCode,
      signer,
      sdk: flags.sdk,
      ...(nudgeKey === undefined ? {} : { nudgeKey }),
    }),
  );
  const profile: Profile = flags;
  const bar = io.terminal
    ? new SingleBar({ format: '{bar} {value}/{total} devices' }, Presets.shades_classic)
    : undefined;
  const fleet = new Fleet({
    url,
    devices,
    profile,
    seed: flags.seed,
    package: installed.package,
    concurrency: flags.concurrency,
    scale: flags.for === undefined ? 1 : flags.scale,
    ...(ca === undefined ? {} : { ca }),
    ...(flags.events === true
      ? { onEvent: (id, event, atMs) => io.out(`${eventLine(id, event, atMs)}\n`) }
      : {}),
    onProgress: done => bar?.update(done),
  });
  try {
    await drive(io, flags, fleet, bar, devices.length);
    const summary = fleet.summary();
    if (flags.json === true) outJson(io, summary);
    else io.out(table(io, summary));
    return (summary.events['ota.internal'] ?? 0) > 0 ? EXIT.failed : EXIT.fine;
  } finally {
    bar?.stop();
    await fleet.stop();
  }
}

async function drive(
  io: Io,
  flags: Flags,
  fleet: Fleet,
  bar: SingleBar | undefined,
  total: number,
): Promise<void> {
  const stopped = new Promise<void>(resolve =>
    io.interrupted.addEventListener('abort', () => resolve(), { once: true }),
  );
  const closeCommands = readCommands(
    io.stdin,
    command => {
      if (!('deviceId' in command) || command.deviceId === undefined || !fleet.has(command.deviceId)) return;
      if (command.kind === 'nudge') fleet.push(command.deviceId, command.message);
      else fleet.member(command.deviceId).device.set(command.conditions);
    },
    text => io.err(text),
  );
  try {
    bar?.start(total, 0);
    await Promise.race([stopped, fleet.start()]);
    if (flags.for !== undefined) {
      fleet.enliven();
      const { timer, elapsed } = waiting(flags.for / flags.scale);
      await Promise.race([stopped, elapsed]);
      clearTimeout(timer);
    } else
      for (let round = 1; round < flags.rounds && !io.interrupted.aborted; round++)
        await Promise.race([stopped, fleet.pollAll()]);
  } finally {
    closeCommands();
  }
}

function waiting(ms: number): { timer: NodeJS.Timeout | undefined; elapsed: Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms);
  });
  return { timer, elapsed };
}

/** Names left, numbers right. */
function table(io: Io, summary: FleetSummary): string {
  const { bold } = paint(io);
  const rows: [string, number][] = [
    ['devices', summary.devices],
    ...Object.entries(summary.running).map(([code, n]): [string, number] => [`  running version ${code}`, n]),
    ...Object.entries(summary.phases).map(([phase, n]): [string, number] => [`  ${phase}`, n]),
    ['checks', summary.checks],
    ...Object.entries(summary.failedChecks).map(([code, n]): [string, number] => [`  failed ${code}`, n]),
    ['  offers', summary.offers],
    ...Object.entries(summary.holds).map(([reason, n]): [string, number] => [`  hold ${reason}`, n]),
    ['downloads', summary.downloads],
    ['  bytes', summary.downloadedBytes],
    ['installs', summary.installs],
    ...Object.entries(summary.results).map(([result, n]): [string, number] => [`  ${result}`, n]),
    ['reports accepted', summary.reportsAccepted],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const line = ([name, n]: [string, number]) => {
    const text = `${name.padEnd(width)}  ${n.toLocaleString('en').padStart(14)}`;
    return name.startsWith(' ') ? text : bold(text);
  };
  return `${rows.map(line).join('\n')}\n`;
}
