/** `ota device …`: the devices that the controller knows. A token and a nudge key are printed once and never stored. */
import { type Command, Option } from 'commander';
import { deviceArgument, oldDurationArgument, tagsArgument } from './arguments.ts';
import { type Client, controllerClient } from './client.ts';
import { changeVerbs } from './device-change.ts';
import { importDevices } from './device-import.ts';
import { devicePath } from './device-path.ts';
import { type Credentials, devicesAsCsv, printCredentials, printDevices } from './device-print.ts';
import { type DeviceFilterOptions, filterOptions, limitOption, listDevices } from './device-select.ts';
import { EXIT, type ExitCode, type Io, outJson } from './io.ts';
import { examples, type Verb, type Work } from './program.ts';
import { type OutOption, outOption, withSecretFile } from './secret-file.ts';

interface Json {
  readonly json?: boolean;
}

export const device: Verb = (program, choose) => {
  const group = program
    .command('device')
    .summary('enrol, import, list, tag, rotate, revoke and delete devices')
    .description('Manages the devices that the controller knows.')
    .addHelpText(
      'after',
      examples('ota device enrol kiosk-7 --tag qa', 'ota device list --tag qa', 'ota device --help'),
    );
  const verb = (name: string, about: string, sample: string[]): Command =>
    group
      .command(name)
      .description(about)
      .addHelpText('after', examples(...sample));
  const call =
    (work: (client: Client, io: Io) => Promise<ExitCode>): Work =>
    io =>
      work(controllerClient(io), io);
  const secret =
    (options: OutOption, work: (client: Client, io: Io) => Promise<ExitCode>): Work =>
    io =>
      withSecretFile(options, io, call(work));

  outOption(
    verb('enrol', 'Enrols one device and prints its token and nudge key. They are shown only once.', [
      'ota device enrol kiosk-7',
      'ota device enrol kiosk-7 --tag qa --tag lab --json --out kiosk-7.json',
    ]),
  )
    .alias('enroll')
    .argument('<device>', 'device id', deviceArgument)
    .option('--tag <tag>', 'alias tag; several by repeating or with commas', tagsArgument)
    .option('--json', 'print JSON')
    .action((id: string, options: Json & OutOption & { tag?: string[] }) =>
      choose(secret(options, (c, io) => runEnrol(c, id, options.tag ?? [], options, io))),
    );

  outOption(
    verb(
      'import',
      'Enrols many devices from a CSV or JSON file and prints the credentials of each. "-" reads standard input.',
      [
        'ota device import fleet.csv --out credentials.csv',
        'ota device import fleet.json --json > credentials.json',
        'printf "device_id,tags\\nkiosk-7,qa\\n" | ota device import -',
      ],
    ),
  )
    .argument(
      '<file>',
      'columns or keys: device_id, tags (empty keeps them, - removes all), token_sha256; or the output of list --csv or --json',
    )
    .option('--yes', 'import even if devices stop being canaries of the rollout')
    .option('--json', 'print JSON')
    .action((file: string, options: Json & OutOption & { yes?: boolean }) =>
      choose(secret(options, (c, io) => importDevices(c, file, options, io))),
    );

  limitOption(
    filterOptions(
      verb('list', 'Lists enrolled devices in the order of their ids.', [
        'ota device list',
        'ota device list --tag qa -o json',
        'ota device list --build b41 --not-seen-for 7d',
        'ota device list --build b42 --outcome fail -o csv > failed.csv',
      ]),
    ),
  )
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['wide', 'json', 'csv']))
    .option('--csv', 'the same as -o csv, which ota device import takes')
    .option('--json', 'the same as -o json, which ota device import takes')
    .action((options: ListOptions) => choose(call((c, io) => runList(c, options, io))));

  outOption(
    verb(
      'rotate',
      'Gives a device a new token. The old token works until the new one is used, at most for 14 days.',
      [
        'ota device rotate kiosk-7',
        'ota device rotate kiosk-7 --grace 1h',
        'ota device rotate kiosk-7 --now',
      ],
    ),
  )
    .argument('<device>', 'device id', deviceArgument)
    .option('--grace <duration>', 'how long the old token still works', oldDurationArgument)
    .option('--now', 'the old token ends at once')
    .option('--readmit', 'readmit a revoked device; its old tokens stay revoked')
    .option('--json', 'print JSON')
    .action((id: string, options: RotateOptions) =>
      choose(secret(options, (c, io) => runRotate(c, id, options, io))),
    );

  changeVerbs(verb, work => choose(call(work)));
};

interface ListOptions extends Json, DeviceFilterOptions {
  readonly output?: 'wide' | 'json' | 'csv';
  readonly limit?: number;
  readonly csv?: boolean;
}

interface RotateOptions extends Json, OutOption {
  readonly grace?: number;
  readonly now?: boolean;
  readonly readmit?: boolean;
}

async function runEnrol(
  client: Client,
  id: string,
  tags: readonly string[],
  options: Json,
  io: Io,
): Promise<ExitCode> {
  const { json } = await client.call({ method: 'POST', path: '/v1/devices', json: { device_id: id, tags } });
  printCredentials('enrolled', json as Credentials, options.json === true, io);
  return EXIT.fine;
}

async function runList(client: Client, options: ListOptions, io: Io): Promise<ExitCode> {
  const rows = await listDevices(client, options, options.limit);
  const output =
    options.output ?? (options.json === true ? 'json' : options.csv === true ? 'csv' : undefined);
  if (output === 'json') outJson(io, rows);
  else if (output === 'csv') io.out(devicesAsCsv(rows));
  else printDevices(rows, output === 'wide', io);
  return EXIT.fine;
}

async function runRotate(client: Client, id: string, options: RotateOptions, io: Io): Promise<ExitCode> {
  const graceMs = options.now === true ? 0 : options.grace;
  const body = {
    ...(graceMs === undefined ? {} : { grace_s: Math.ceil(graceMs / 1000) }),
    ...(options.readmit === true ? { readmit: true } : {}),
  };
  const { json } = await client.call({ method: 'POST', path: devicePath(id, '/rotate'), json: body });
  printCredentials('rotated', json as Credentials, options.json === true, io);
  return EXIT.fine;
}
