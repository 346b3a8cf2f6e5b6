/**
 * `npm run bench`: what the hot routes cost, next to servers that do nothing else. See docs/performance.md.
 * Exits 0 when it measured, 2 when it could not; whether figures meet the aims is for the reader to judge.
 */
import { cpus } from 'node:os';
import { Command, Option } from 'commander';
import { benchApk } from './apk.ts';
import { benchChecks } from './checks.ts';
import { makeLoader } from './load.ts';
import { twoCores } from './pinned.ts';
import { render } from './report.ts';
import { openWorkshop } from './workshop.ts';

const SECTIONS = ['checks', 'downloads', 'memory', 'store', 'apk'] as const;
type Section = (typeof SECTIONS)[number];

interface Options {
  readonly json?: true;
  readonly quick?: true;
  readonly only?: Section[];
}

const program = new Command('bench')
  .description('Measures update checks, downloads and memory on this machine, next to bare servers.')
  .addOption(new Option('--only <section...>', 'measure these alone').choices(SECTIONS))
  .option('--quick', 'a small fleet and one short round: shows that it runs, measures little')
  .option('--json', 'print one JSON object and nothing else');

async function main(): Promise<void> {
  const options = program.parse().opts<Options>();
  const quick = options.quick === true;
  const wanted = (section: Section): boolean =>
    options.only?.includes(section) ?? (!quick || section === 'checks' || section === 'downloads');
  const say = (text: string): void => void (options.json || process.stderr.write(`${text} …\n`));

  const cores = twoCores();
  say('compiling');
  const workshop = await openWorkshop();
  try {
    const loader = makeLoader(workshop, cores?.load);
    const figures: Record<string, unknown> = {
      machine: {
        cpu: cpus()[0]?.model ?? 'unknown',
        cores: cpus().length,
        node: process.version,
        load: loader.tool,
        pinned: cores !== undefined,
        quick,
      },
    };
    if (wanted('checks')) {
      say('update checks');
      figures.checks = await benchChecks(workshop, cores, loader, {
        devices: quick ? 2_000 : 100_000,
        rounds: quick ? 1 : 5,
        seconds: quick ? 1 : 2,
        connections: 64,
      });
    }
    if (wanted('apk')) {
      say('verifying an APK');
      figures.apk = await benchApk();
    }
    console.log(options.json ? JSON.stringify(figures) : render(figures));
  } finally {
    await workshop.close();
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
