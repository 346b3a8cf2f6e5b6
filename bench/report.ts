/** Figures as a person reads them. */
import type { ApkFigures } from './apk.ts';
import type { BurstFigures } from './burst.ts';
import type { AnswerKind, CheckFigures } from './check-figures.ts';
import type { CliFigures } from './cli.ts';
import type { DownloadFigures } from './downloads.ts';
import type { GateFigures } from './gates.ts';
import { renderGates } from './gates-report.ts';
import type { MemoryFigures } from './memory.ts';
import { type PageFigures, renderPages } from './pages.ts';
import type { StartFigures } from './start.ts';
import type { StoreFigures } from './store.ts';
import type { UnitFigures, Units } from './units.ts';

export interface Figures {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly node: string;
    /** undefined when no server was measured. */
    readonly load: string | undefined;
    readonly pinned: boolean;
    readonly quick: boolean;
  };
  checks?: CheckFigures;
  downloads?: DownloadFigures;
  burst?: BurstFigures;
  start?: StartFigures;
  memory?: MemoryFigures;
  pages?: PageFigures;
  store?: StoreFigures;
  units?: UnitFigures;
  apk?: ApkFigures;
  cli?: CliFigures;
  gates?: GateFigures;
}

type Row = readonly (string | number | undefined)[];

/** The first column to the left, all others to the right. */
function table(head: Row, rows: readonly Row[]): string {
  const cells = [head, ...rows].map(row => row.map(cell => (cell === undefined ? '–' : String(cell))));
  const widths = head.map((_, i) => Math.max(...cells.map(row => (row[i] ?? '').length)));
  return cells
    .map(row =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  '),
    )
    .join('\n');
}

function checksOf(checks: CheckFigures, kind: AnswerKind): string {
  const { bytes, servers, ratios, halfOfSaturation: half, cpuRatiosAtHalf, at1000 } = checks.answers[kind];
  const head = ['', 'per second', 'CPU µs', 'core share', 'p50 ms', 'p95 ms', 'p99 ms'];
  const saturated = (['controller', 'http', 'koa'] as const).map(name => {
    const { perSecond, cpuMicroseconds, coreShare, p50Ms, p95Ms, p99Ms } = servers[name];
    return [NAMES[name], perSecond, cpuMicroseconds, coreShare, p50Ms, p95Ms, p99Ms];
  });
  const paced = (['controller', 'http', 'koa'] as const).map(name => {
    const { rate, cpuMicroseconds, p50Ms, p95Ms, p99Ms } = half[name];
    return [`${NAMES[name]}, half load`, rate, cpuMicroseconds, '', p50Ms, p95Ms, p99Ms];
  });
  const { rate, cpuMicroseconds, p50Ms, p95Ms, p99Ms } = at1000;
  const thousand = ['controller, 1,000/s', rate, cpuMicroseconds, '', p50Ms, p95Ms, p99Ms];
  return [
    `Update checks answered ${kind} (${bytes} bytes; ${checks.devices} devices, ${checks.connections} connections)`,
    table(head, [...saturated, ...paced, thousand]),
    `throughput to bare node:http ${ratios.http.throughput}, to bare Koa ${ratios.koa.throughput}`,
    `CPU to bare node:http ${ratios.http.cpu ?? '–'} saturated, ${cpuRatiosAtHalf.http ?? '–'} at equal load; to bare Koa ${ratios.koa.cpu ?? '–'} and ${cpuRatiosAtHalf.koa ?? '–'}`,
  ].join('\n');
}

const NAMES = { controller: 'controller', http: 'bare node:http', koa: 'bare Koa' } as const;

function downloadsOf({ fromMemory, fromDisk, nginx, cpuRatios }: DownloadFigures): string {
  const rows = [
    ['controller, APK in memory', fromMemory],
    ['controller, APK on disk', fromDisk],
    ...(nginx === undefined ? [] : [['nginx, sendfile', nginx] as const]),
  ] as const;
  const ratios =
    cpuRatios === undefined
      ? []
      : [`CPU to nginx: ${cpuRatios.fromMemory} from memory, ${cpuRatios.fromDisk} from disk`];
  return [
    'Downloads',
    table(
      ['', 'APK MB', 'MB/s', 'CPU s per GB'],
      rows.map(([name, f]) => [name, f.apkMB, f.megabytesPerSecond, f.cpuSecondsPerGB]),
    ),
    ...ratios,
  ].join('\n');
}

const pairs = (title: string, figures: object): string =>
  `${title}\n${table(['', ''], Object.entries(figures)).split('\n').slice(1).join('\n')}`;

const storeOf = ({ sqlite, postgres, checks }: StoreFigures): string =>
  [
    `Store\n${table(
      ['', 'SQLite', 'PostgreSQL'],
      Object.entries(sqlite).map(([name, figure]) => [name, figure, postgres?.[name]]),
    )}`,
    ...(checks === undefined ? [] : [pairs('Update checks on both engines', checks)]),
  ].join('\n\n');

const unitsOf = ({ sqlite, postgres }: UnitFigures): string =>
  `What one of each costs\n${table(
    ['', 'SQLite', 'PostgreSQL'],
    Object.entries(sqlite).map(([name, figure]) => [name, figure, postgres?.[name as keyof Units]]),
  )}`;

const pinning = (pinned: boolean): string =>
  pinned ? ', server and load on a core each' : ', not pinned: ratios only';

const cliOf = ({ nodeMs, commands }: CliFigures): string =>
  `The command line, CPU time next to node -e 0 (${nodeMs.toFixed(0)} ms)\n${table(
    ['ota', 'CPU ms', 'ratio', 'aim'],
    commands.map(c => [c.name, c.cpuMs.toFixed(0), c.ratio.toFixed(2), c.aim.toFixed(1)]),
  )}`;

const startOf = ({ readyMs, cpuMs, aimMs }: StartFigures): string =>
  `An empty store is ready after ${readyMs.toFixed(0)} ms (aim ${aimMs}), ${cpuMs ?? '–'} ms of CPU`;

export function render({
  machine,
  checks,
  downloads,
  burst,
  start,
  memory,
  pages,
  store,
  units,
  apk,
  cli,
  gates,
}: Figures): string {
  const load = machine.load === undefined ? '' : `, load by ${machine.load}${pinning(machine.pinned)}`;
  const parts = [`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}${load}`];
  if (checks !== undefined)
    parts.push(
      checksOf(checks, '304'),
      checksOf(checks, '200'),
      `${checks.counted} checks answered, as many counted, ${checks.logged} logged.`,
    );
  if (downloads !== undefined) parts.push(downloadsOf(downloads));
  if (burst !== undefined) parts.push(pairs('What a nudge sets off', burst));
  if (start !== undefined) parts.push(startOf(start));
  if (memory !== undefined) parts.push(pairs('Start and memory of a large fleet, each device once', memory));
  if (pages !== undefined) parts.push(renderPages(pages));
  if (store !== undefined) parts.push(storeOf(store));
  if (units !== undefined) parts.push(unitsOf(units));
  if (apk !== undefined) parts.push(pairs('APK verification', apk));
  if (cli !== undefined) parts.push(cliOf(cli));
  if (gates !== undefined) parts.push(renderGates(gates));
  return parts.join('\n\n');
}
