/**
 * `npm run bench`: the cost of the hot routes, next to servers that do nothing else. See docs/performance.md.
 * Exits 0 when it measured, 2 when it could not; whether figures meet the aims is for the reader to judge.
 */
import { cpus } from 'node:os';
import { Command, Option } from 'commander';
import { benchApk } from './apk.ts';
import { benchBurst } from './burst.ts';
import { benchChecks } from './checks.ts';
import { benchCli } from './cli.ts';
import { benchDownloads } from './downloads.ts';
import { openBenchEnvironment } from './environment.ts';
import { benchGates, type GateSizes } from './gates.ts';
import { makeLoader } from './load.ts';
import { benchMemory } from './memory.ts';
import { benchPages } from './pages.ts';
import { type Cores, twoCores } from './pinned.ts';
import { type Figures, render } from './report.ts';
import { benchStart } from './start.ts';
import { benchStore } from './store.ts';
import { benchUnits } from './units.ts';

const SECTIONS = [
  'checks',
  'downloads',
  'burst',
  'start',
  'memory',
  'pages',
  'store',
  'units',
  'apk',
  'cli',
  'gates',
] as const;
const QUICK: readonly Section[] = ['checks', 'downloads'];
type Section = (typeof SECTIONS)[number];

const FLEETS: readonly GateSizes[] = [
  { devices: 50, runs: 300, oftenRuns: 1_000 },
  { devices: 500, runs: 300, oftenRuns: 1_000 },
  { devices: 5_000, runs: 150, oftenRuns: 1_000 },
];
const QUICK_FLEETS: readonly GateSizes[] = [{ devices: 500, runs: 2, oftenRuns: 2 }];

interface Options {
  readonly json?: true;
  readonly quick?: true;
  readonly only?: Section[];
}

const program = new Command('bench')
  .description(
    'Measures update checks, downloads and memory on this machine, next to bare servers, and what gates stop.',
  )
  .addOption(new Option('--only <section...>', 'measure these alone').choices(SECTIONS))
  .option('--quick', 'a small fleet and one short round: shows that it runs, measures little')
  .option('--json', 'print one JSON object and nothing else');

async function main(): Promise<void> {
  const options = program.parse().opts<Options>();
  const quick = options.quick === true;
  const wanted = (section: Section): boolean =>
    options.only?.includes(section) ?? (!quick || QUICK.includes(section));
  const say = (text: string): void => {
    if (options.json !== true) process.stderr.write(`${text} …\n`);
  };

  const cores = twoCores();
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    pinned: cores !== undefined,
    quick,
  };
  const needsServers = options.only?.some(section => section !== 'gates' && section !== 'cli') ?? true;
  const figures: Figures = needsServers
    ? await benchServers(machine, cores, wanted, say)
    : { machine: { ...machine, load: undefined } };
  if (wanted('cli')) {
    say('the command line');
    figures.cli = await benchCli(quick ? 1 : 7);
  }
  if (wanted('gates')) {
    say('gates');
    figures.gates = benchGates(quick ? QUICK_FLEETS : FLEETS, say);
  }
  console.log(options.json ? JSON.stringify(figures) : render(figures));
}

/** Everything that needs the program compiled and a load generator. */
async function benchServers(
  machine: Omit<Figures['machine'], 'load'>,
  cores: Cores | undefined,
  wanted: (section: Section) => boolean,
  say: (text: string) => void,
): Promise<Figures> {
  const { quick } = machine;
  say('compiling');
  const environment = await openBenchEnvironment();
  try {
    const loader = makeLoader(environment, cores?.load);
    const figures: Figures = { machine: { ...machine, load: loader.tool } };
    if (wanted('checks')) {
      say('update checks');
      figures.checks = await benchChecks(environment, cores, loader, {
        devices: quick ? 2_000 : 100_000,
        rounds: quick ? 1 : 5,
        seconds: quick ? 1 : 2,
        pacedSeconds: quick ? 0.3 : 1,
        warmUp: !quick,
        connections: 64,
      });
    }
    if (wanted('downloads')) {
      say('downloads');
      figures.downloads = await benchDownloads(environment, cores, loader, {
        rounds: quick ? 1 : 3,
        seconds: quick ? 1 : 2,
        connections: 4,
      });
    }
    if (wanted('burst')) {
      say('what a nudge sets off');
      const size = quick ? { devices: 500, seconds: 2 } : { devices: 20_000, seconds: 60 };
      figures.burst = await benchBurst(environment, cores, size);
    }
    if (wanted('start')) {
      say('starts');
      figures.start = await benchStart(environment, quick ? 1 : 9);
    }
    if (wanted('memory')) {
      say('start and memory of a large fleet, and each of its devices once');
      const size = quick ? { devices: 20_000, rate: 2_000 } : { devices: 1_000_000, rate: 4_000 };
      figures.memory = await benchMemory(environment, loader, size);
    }
    if (wanted('pages')) {
      say('pages of a large fleet');
      figures.pages = await benchPages(environment, cores, loader, {
        devices: quick ? 20_000 : 1_000_000,
        openPages: 50,
        seconds: quick ? 1 : 10,
        rate: quick ? 100 : 500,
      });
    }
    if (wanted('store')) {
      say('the store');
      figures.store = await benchStore(environment, cores, loader, {
        devices: quick ? 10_000 : 1_000_000,
        checks: quick
          ? { devices: 1_000, rounds: 1, seconds: 0.5, rate: 200 }
          : { devices: 50_000, rounds: 7, seconds: 4, rate: 2_000 },
      });
    }
    if (wanted('units')) {
      say('what one of each costs');
      const plan = quick ? { devices: 1_000, rate: 500 } : { devices: 20_000, rate: 1_000 };
      figures.units = await benchUnits(environment, cores, loader, plan);
    }
    if (wanted('apk')) {
      say('verifying an APK');
      figures.apk = await benchApk();
    }
    return figures;
  } finally {
    await environment.close();
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
