/** `ota status`: what stands, how far the fleet has taken it; with `-w` until it has. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../domain/fault.ts';
import { type Adopted, countAdopted, nominalAdopted, progressOf } from './adoption.ts';
import { durationArgument, percentArgument } from './arguments.ts';
import { type Client, controllerClient } from './client.ts';
import { listDevices } from './device-print.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { textOf, visibleLine } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { type Bar, makeBar } from './progress.ts';
import { type BuildsOnWire, isRejected, type RolloutOnWire, shortRevision } from './rollout-wire.ts';
import { table } from './table.ts';

/** Fleets up to this size are counted device by device. */
const LISTED_FLEET = 10_000;

export interface StatusOptions {
  readonly watch?: boolean;
  readonly timeout?: number;
  readonly interval: number;
  readonly target: number;
  readonly json?: boolean;
}

export const status: Verb = (program, choose) => {
  program
    .command('status')
    .summary('show the rollout and its adoption; -w waits for it')
    .description(
      'Shows what is declared, what is in force and what the fleet runs.\n' +
        'With --watch it waits until the devices that are exposed now run the build: exit 0 when they do,\n' +
        '3 on timeout, 4 when the rollout is halted (rolled back, suspended, withdrawn, or the newest revision refused).',
    )
    .option('-w, --watch', 'wait for the target')
    .option('--target <percent>', 'share of the exposed active devices to wait for', percentArgument, 95)
    .option('--timeout <duration>', 'give up after so long (default: never)', durationArgument)
    .option('--interval <duration>', 'how often to look', durationArgument, 5_000)
    .option('--json', 'print JSON; with --watch one object a line')
    .addHelpText(
      'after',
      examples(
        'ota status',
        'ota status -w --timeout 2h',
        'ota status -w --target 100 && ota rollout 50 --open-pr',
        'ota status --json | jq .fleet',
      ),
    )
    .action((options: StatusOptions) =>
      choose(io =>
        options.watch === true
          ? runWatch(controllerClient(io), options, io)
          : runStatus(controllerClient(io), options, io),
      ),
    );
};

const readRollout = async (client: Client): Promise<RolloutOnWire> =>
  (await client.call({ path: '/v1/rollout' })).json as RolloutOnWire;

const readBuilds = async (client: Client): Promise<BuildsOnWire['builds']> =>
  ((await client.call({ path: '/v1/builds' })).json as BuildsOnWire).builds;

async function runStatus(client: Client, options: StatusOptions, io: Io): Promise<ExitCode> {
  const now = await readRollout(client);
  const builds = await readBuilds(client);
  if (options.json === true) outJson(io, { ...now, builds });
  else print(now, builds, io);
  return EXIT.fine;
}

function print(now: RolloutOnWire, builds: BuildsOnWire['builds'], io: Io): void {
  const colours = paint(io);
  const { rollout, exposure, fleet, reconcile } = now;
  const seen = fleet.active === 0 ? '' : `, ${(fleet.adoption_ratio * 100).toFixed(1)} % of active`;
  const line = (label: string, value: string): string[] => [colours.bold(label), visibleLine(value)];
  const exposed = `${exposure.effective_percent} %${exposure.declared_percent === exposure.effective_percent ? '' : ` (declared ${exposure.declared_percent} %)`}`;
  io.out(
    table([
      line('revision', `${shortRevision(now.revision)}, applied ${now.applied_at}`),
      line('current', rollout.current + standing(now, builds)),
      line('last safe', rollout.last_safe ?? 'none'),
      line(
        'exposure',
        exposed + (exposure.next_change_at === null ? '' : `, changes at ${exposure.next_change_at}`),
      ),
      line(
        'devices',
        `${fleet.enrolled} enrolled, ${fleet.active} active, ${fleet.running_current} run ${rollout.current}${seen}`,
      ),
      line(
        'source',
        reconcile.source_fault === null
          ? `read ${reconcile.source_age_s ?? '?'} s ago`
          : `cannot be read: ${reconcile.source_fault}`,
      ),
      ...(rollout.suspend === null
        ? []
        : [
            line(
              'suspend',
              `${rollout.suspend.since} to ${rollout.suspend.until}: ${rollout.suspend.reason}`,
            ),
          ]),
      ...(reconcile.clock_held ? [line('clock', 'held after a jump: exposure stands still')] : []),
    ]),
  );
  const rows = builds.map(b => [
    b.build_id,
    `${visibleLine(b.version_name)} (${b.version_code})`,
    b.withdrawn === null ? (b.role ?? '') : 'withdrawn',
    String(b.running_devices),
    String(b.results.ok),
    String(b.results.fail),
    b.stored ? '' : colours.red('APK missing'),
  ]);
  io.out(
    `\n${table([['build', 'version', 'role', 'running', 'ok', 'failed', ''].map(h => colours.bold(h)), ...rows], [3, 4, 5])}`,
  );
  if (!isRejected(reconcile)) return;
  io.out(
    `\n${colours.red('refused')}: revision ${shortRevision(reconcile.attempted_revision)} is not applied; the one above stands\n`,
  );
  for (const problem of reconcile.problems)
    io.out(textOf({ ...problem, hint: problem.hint ?? undefined }, colours));
}

function standing({ rollout, exposure }: RolloutOnWire, builds: BuildsOnWire['builds']): string {
  if (rollout.rollback) return ' (rolled back)';
  if (builds.some(b => b.build_id === rollout.current && b.withdrawn !== null)) return ' (withdrawn)';
  // Only a suspend that is in force takes the exposure away.
  return rollout.suspend !== null && exposure.effective_percent === 0 ? ' (suspended)' : '';
}

/** Looks until the target, the timeout or a halt. What passes (a restart, a busy moment) is waited out. */
async function runWatch(client: Client, options: StatusOptions, io: Io): Promise<ExitCode> {
  const deadline = options.timeout === undefined ? undefined : performance.now() + options.timeout;
  let bar: Bar | undefined;
  let told = '';
  const say = (line: string): void => {
    if (line !== told && bar === undefined) io.err(`${visibleLine(line)}\n`);
    told = line;
  };
  const end = (code: ExitCode, word: string, why: string): ExitCode => {
    bar?.end();
    io.err(`${word}: ${visibleLine(why)}\n`);
    return code;
  };
  let last = 'nothing was seen yet';
  for (;;) {
    try {
      const now = await readRollout(client);
      const adopted = await adoptedNow(client, now, io.nowMs());
      const progress = progressOf(now, adopted, options.target, io.nowMs());
      last = progress.why;
      if (options.json === true)
        io.out(
          `${JSON.stringify({ at: new Date(io.nowMs()).toISOString(), revision: now.revision, current: now.rollout.current, percent: now.exposure.effective_percent, ...adopted, wanted: progress.wanted, state: progress.state })}\n`,
        );
      else if (io.terminal) {
        bar ??= makeBar(io, '{bar} {percentage} %  {text}', 100);
        bar.set(progress.wanted === 0 ? 0 : (adopted.running / progress.wanted) * 100, progress.why);
      } else if (progress.state === 'waiting') say(progress.why);
      if (progress.state === 'reached') return end(EXIT.fine, 'done', progress.why);
      if (progress.state === 'halted') return end(EXIT.halted, 'halted', progress.why);
    } catch (error) {
      if (!(error instanceof Fault) || error.retry === 'never') {
        bar?.end();
        throw error;
      }
      last = error.message.split('\n')[0] ?? error.code;
      say(last);
    }
    const left = deadline === undefined ? options.interval : deadline - performance.now();
    if (left <= 0) return end(EXIT.timeout, 'timeout', last);
    if (!(await pause(Math.min(left, options.interval), io.interrupted)))
      return end(EXIT.error, 'interrupted', last);
  }
}

async function adoptedNow(client: Client, now: RolloutOnWire, nowMs: number): Promise<Adopted> {
  if (now.fleet.enrolled > LISTED_FLEET) return nominalAdopted(now);
  const devices = await listDevices(client, undefined);
  const current = (await readBuilds(client)).find(b => b.build_id === now.rollout.current);
  // A revision was applied between the two answers: the next look has both of one.
  return current === undefined
    ? nominalAdopted(now)
    : countAdopted(now, devices, current.version_code, nowMs);
}

/** False when it was interrupted. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
