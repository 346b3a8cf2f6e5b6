/** `ota device …`: the fleet as the controller knows it. A token and a nudge key are printed once and kept nowhere. */
import type { Command } from 'commander';
import { countArgument, deviceArgument, oldDurationArgument, tagsArgument } from './arguments.ts';
import { type Client, controllerClient } from './client.ts';
import { importDevices } from './device-import.ts';
import {
  type Credentials,
  devicesAsCsv,
  listDevices,
  printCredentials,
  printDevices,
} from './device-print.ts';
import { EXIT, type ExitCode, type Io, outJson } from './io.ts';
import { examples, type Verb, type Work } from './program.ts';

interface Json {
  readonly json?: boolean;
}

/** `/v1/devices/<id>`; `.` and `..` would be taken for folders by every HTTP client. */
export const devicePath = (id: string, rest = ''): string =>
  `/v1/devices/${id === '.' || id === '..' ? id.replaceAll('.', '%252E') : encodeURIComponent(id)}${rest}`;

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

  verb('enrol', 'Enrols one device and prints its token and nudge key, this once.', [
    'ota device enrol kiosk-7',
    'ota device enrol kiosk-7 --tag qa --tag lab --json > kiosk-7.json',
  ])
    .alias('enroll')
    .argument('<device>', 'device id', deviceArgument)
    .option('--tag <tag>', 'alias tag; several by repeating or with commas', tagsArgument)
    .option('--json', 'print JSON')
    .action((id: string, options: Json & { tag?: string[] }) =>
      choose(call((c, io) => runEnrol(c, id, options.tag ?? [], options, io))),
    );

  verb(
    'import',
    'Enrols many devices from a CSV or JSON file and prints what each got; "-" reads standard input.',
    [
      'ota device import fleet.csv > credentials.csv',
      'ota device import fleet.json --json > credentials.json',
      'printf "device_id,tags\\nkiosk-7,qa\\n" | ota device import -',
    ],
  )
    .argument(
      '<file>',
      'columns or keys: device_id, tags (empty keeps them, - removes all), token_sha256; or what list --csv or --json printed',
    )
    .option('--yes', 'also when it takes devices out of the canaries of the rollout')
    .option('--json', 'print JSON')
    .action((file: string, options: Json & { yes?: boolean }) =>
      choose(call((c, io) => importDevices(c, file, options, io))),
    );

  verb('list', 'Lists enrolled devices in the order of their ids.', [
    'ota device list',
    'ota device list --tag qa --json',
    'ota device list --limit 20',
  ])
    .option('--tag <tag>', 'only devices with this tag')
    .option('--limit <n>', 'stop after so many', countArgument(1, 10_000_000))
    .option('--csv', 'print CSV, which ota device import takes')
    .option('--json', 'print JSON, which ota device import takes')
    .action((options: ListOptions) => choose(call((c, io) => runList(c, options, io))));

  verb('tag', 'Replaces, adds or removes the alias tags of a device.', [
    'ota device tag kiosk-7 qa,lab        # exactly these',
    'ota device tag kiosk-7 --add canary',
    'ota device tag kiosk-7 --remove qa',
  ])
    .argument('<device>', 'device id', deviceArgument)
    .argument('[tags]', 'the new tags, with commas', (text: string) => tagsArgument(text))
    .option('--add <tag>', 'add a tag', tagsArgument)
    .option('--remove <tag>', 'remove a tag', tagsArgument)
    .option('--clear', 'remove all tags')
    .option('--json', 'print JSON')
    .action((id: string, tags: string[] | undefined, options: TagOptions, command: Command) => {
      const asked = [
        tags !== undefined,
        options.add !== undefined || options.remove !== undefined,
        options.clear === true,
      ];
      if (asked.filter(Boolean).length !== 1)
        command.error('error: give the new tags, or --add/--remove, or --clear', { exitCode: 2 });
      choose(call((c, io) => runTag(c, id, options.clear === true ? [] : tags, options, io)));
    });

  verb(
    'rotate',
    'Gives a device a new token; the old one works until the new one is used, at most 14 days.',
    ['ota device rotate kiosk-7', 'ota device rotate kiosk-7 --grace 1h', 'ota device rotate kiosk-7 --now'],
  )
    .argument('<device>', 'device id', deviceArgument)
    .option('--grace <duration>', 'how long the old token still works', oldDurationArgument)
    .option('--now', 'the old token ends at once')
    .option('--readmit', 'let a revoked device in again; its old tokens stay dead')
    .option('--json', 'print JSON')
    .action((id: string, options: RotateOptions) => choose(call((c, io) => runRotate(c, id, options, io))));

  verb('revoke', 'Takes the token of a device away at once; the device stays listed.', [
    'ota device revoke kiosk-7',
  ])
    .argument('<device>', 'device id', deviceArgument)
    .action((id: string) =>
      choose(
        call(async (client, io) => {
          await client.call({ method: 'POST', path: devicePath(id, '/revoke') });
          io.out(`revoked ${id}\n`);
          return EXIT.fine;
        }),
      ),
    );

  verb('delete', 'Erases a device and all its rows. Its old tokens never work again.', [
    'ota device delete kiosk-7 --yes',
  ])
    .argument('<device>', 'device id', deviceArgument)
    .option('--yes', 'really: this cannot be undone')
    .action((id: string, options: { yes?: boolean }, command: Command) => {
      if (options.yes !== true)
        command.error(`error: this erases ${id} and its history permanently; add --yes`, { exitCode: 2 });
      choose(
        call(async (client, io) => {
          await client.call({ method: 'DELETE', path: devicePath(id) });
          io.out(`deleted ${id}\n`);
          return EXIT.fine;
        }),
      );
    });
};

interface ListOptions extends Json {
  readonly tag?: string;
  readonly limit?: number;
  readonly csv?: boolean;
}

interface RotateOptions extends Json {
  readonly grace?: number;
  readonly now?: boolean;
  readonly readmit?: boolean;
}

interface TagOptions extends Json {
  readonly add?: string[];
  readonly remove?: string[];
  readonly clear?: boolean;
}

async function runEnrol(
  client: Client,
  id: string,
  tags: readonly string[],
  options: Json,
  io: Io,
): Promise<ExitCode> {
  const { json } = await client.call({ method: 'POST', path: '/v1/devices', json: { device_id: id, tags } });
  if (options.json === true) outJson(io, json);
  else printCredentials('enrolled', json as Credentials, io);
  return EXIT.fine;
}

async function runList(client: Client, options: ListOptions, io: Io): Promise<ExitCode> {
  const rows = await listDevices(client, options.tag, options.limit);
  if (options.json === true) outJson(io, rows);
  else if (options.csv === true) io.out(devicesAsCsv(rows));
  else printDevices(rows, io);
  return EXIT.fine;
}

async function runTag(
  client: Client,
  id: string,
  given: readonly string[] | undefined,
  options: TagOptions,
  io: Io,
): Promise<ExitCode> {
  let tags = given;
  if (tags === undefined) {
    const { json } = await client.call({ path: devicePath(id) });
    const now = (json as { tags: string[] }).tags;
    tags = [...new Set([...now, ...(options.add ?? [])])].filter(t => !(options.remove ?? []).includes(t));
  }
  const { json } = await client.call({ method: 'PUT', path: devicePath(id, '/tags'), json: { tags } });
  if (options.json === true) outJson(io, json);
  else io.out(`${id}: ${tags.length === 0 ? 'no tags' : tags.join(', ')}\n`);
  return EXIT.fine;
}

async function runRotate(client: Client, id: string, options: RotateOptions, io: Io): Promise<ExitCode> {
  const graceMs = options.now === true ? 0 : options.grace;
  const body = {
    ...(graceMs === undefined ? {} : { grace_s: Math.ceil(graceMs / 1000) }),
    ...(options.readmit === true ? { readmit: true } : {}),
  };
  const { json } = await client.call({ method: 'POST', path: devicePath(id, '/rotate'), json: body });
  if (options.json === true) outJson(io, json);
  else printCredentials('rotated', json as Credentials, io);
  return EXIT.fine;
}
