/** `ota failures`: counts and lists the devices on which a build failed. */
import { Option } from 'commander';
import type * as Api from '../../schemas/api.d.ts';
import { countText } from '../domain/plan/words.ts';
import { buildArgument, countArgument, durationArgument } from './arguments.ts';
import { type Client, controllerClient } from './client.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { visibleLine } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { table } from './table.ts';

interface FailureOptions {
  readonly by?: 'device';
  readonly since?: number;
  readonly reason?: string;
  readonly sdk?: number;
  readonly fromVersion?: number;
  readonly limit: number;
  readonly json?: boolean;
}

const PAGE = 1_000;
const MOST = 10_000_000;
const MAX_VERSION = 2_147_483_647;

export const failures: Verb = (program, choose) => {
  program
    .command('failures')
    .summary('count the devices on which a build failed, by cause')
    .description(
      'Counts devices by reason, Android API level and previous version. Each device counts once, by its\n' +
        'newest failed attempt. "recovered" means that the device runs the build now.',
    )
    .argument('[build]', 'a build (default: the one that devices are offered)', buildArgument)
    .addOption(new Option('--by <what>', 'list the devices themselves').choices(['device']))
    .option('--since <duration>', 'only attempts of the last 24h, 7d, …', durationArgument)
    .option('--reason <reason>', 'only this reason, as in the results')
    .option('--sdk <n>', 'only devices with this API level', countArgument(0, 10_000))
    .option('--from-version <n>', 'only devices that ran this version code', countArgument(0, MAX_VERSION))
    .option('--limit <n>', 'with --by device: stop after this many devices', countArgument(1, MOST), 100)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'ota failures',
        'ota failures b42 --since 24h',
        'ota failures b42 --reason install_failed --by device',
        'ota failures --json | jq .by_sdk',
      ),
    )
    .action((build: string | undefined, options: FailureOptions) =>
      choose(io => runFailures(controllerClient(io), build, options, io)),
    );
};

async function runFailures(
  client: Client,
  build: string | undefined,
  options: FailureOptions,
  io: Io,
): Promise<ExitCode> {
  const query = {
    build,
    since_s: options.since === undefined ? undefined : Math.ceil(options.since / 1000),
    reason: options.reason,
    sdk: options.sdk,
    from_version: options.fromVersion,
  };
  if (options.by === 'device') return listDevices(client, query, options, io);
  const counts = (await client.call({ path: '/v1/failures', query })).json as Api.Failures;
  if (options.json === true) outJson(io, counts);
  else printCounts(counts, io);
  return EXIT.fine;
}

type Row = Api.Failures['by_reason'][number] | Api.Failures['by_sdk'][number];

function printCounts(counts: Api.Failures, io: Io): void {
  const { bold } = paint(io);
  const { build_id, devices, recovered } = counts;
  const since = recovered === 0 ? '' : `; ${recovered} of them run it now`;
  io.out(`${build_id} failed on ${countText(devices, 'device')}${since}\n`);
  const print = (head: string, rows: readonly Row[], name: (key: Row['key']) => string): void => {
    if (rows.length === 0) return;
    const lines = rows.map(row => [name(row.key), String(row.devices), String(row.recovered)]);
    io.out(`\n${table([[bold(head), bold('devices'), bold('recovered')], ...lines], [1, 2])}`);
  };
  print('reason', counts.by_reason, String);
  print('API level', counts.by_sdk, key => (key === null ? 'unknown' : String(key)));
  print('from version', counts.by_from_version, String);
}

async function listDevices(
  client: Client,
  query: Readonly<Record<string, string | number | undefined>>,
  options: FailureOptions,
  io: Io,
): Promise<ExitCode> {
  const devices: Api.FailedDevice[] = [];
  let after: string | null | undefined;
  let build_id = '';
  do {
    const limit = Math.min(PAGE, options.limit - devices.length);
    const { json } = await client.call({ path: '/v1/failures/devices', query: { ...query, after, limit } });
    const page = json as Api.FailedDevices;
    devices.push(...page.devices);
    build_id = page.build_id;
    after = page.next_after;
  } while (after !== null && devices.length < options.limit);
  if (options.json === true) outJson(io, { build_id, devices, next_after: after });
  else printDevices(devices, after, io);
  return EXIT.fine;
}

function printDevices(devices: readonly Api.FailedDevice[], after: string | null, io: Io): void {
  const { bold, green, dim } = paint(io);
  const head = ['device', 'reason', 'API level', 'from', 'at', ''].map(h => bold(h));
  const rows = devices.map(d => [
    d.device_id,
    d.reason,
    d.sdk === null ? '' : String(d.sdk),
    String(d.from_version),
    d.at,
    d.recovered ? green('recovered') : dim(visibleLine(d.detail ?? '')),
  ]);
  if (rows.length > 0) io.out(table([head, ...rows], [2, 3]));
  io.err(`${countText(devices.length, 'device')}${after === null ? '' : ', and more: raise --limit'}\n`);
}
