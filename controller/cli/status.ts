/** `ota status`: shows the rollout and its adoption; with `-w` it waits until the rollout is done. */
import { Fault } from '../domain/fault.ts';
import { GOAL } from '../domain/progress.ts';
import { oldDurationArgument, percentArgument } from './arguments.ts';
import { type Client, controllerClient } from './client.ts';
import { failLimitArgument } from './goal.ts';
import { EXIT, type ExitCode, type Io, outJson } from './io.ts';
import { examples, type Verb } from './program.ts';
import { type BuildsOnWire, isRejected, type RolloutOnWire } from './rollout-wire.ts';
import { notReady } from './status-cause.ts';
import { printRefused, printStatus } from './status-print.ts';
import { runWatch, type WatchOptions } from './status-watch.ts';

interface StatusOptions extends WatchOptions {
  readonly watch?: boolean;
}

export const status: Verb = (program, choose) => {
  program
    .command('status')
    .summary('show the rollout and its adoption; -w waits for it')
    .description(
      'Shows what is declared, what is in force and what the fleet runs.\n' +
        'Exit code 4 when the newest revision was refused, else 0.\n\n' +
        'With --watch it waits until the rollout is done: 99 % of the recently seen devices that are\n' +
        'offered the build run it, and so do all such canaries; half of the exposed devices were seen;\n' +
        'and a ramp is at its last step. A rollback is done when its devices run the build they are offered.\n' +
        'Exit code 0 if done, 3 on timeout, 130 on Ctrl-C, and 4 if the rollout was rolled back, replaced\n' +
        'or suspended, --fail-on was exceeded, or the newest revision was refused.',
    )
    .option('-w, --watch', 'wait until the rollout is done')
    .option('--revision <name>', 'with -w: wait until this commit is in force, then for its rollout')
    .option(
      '--target <percent>',
      'share of the offered devices that must run it',
      percentArgument,
      GOAL.targetPercent,
    )
    .option(
      '--min-seen <percent>',
      'share of the exposed devices that must have been seen',
      percentArgument,
      GOAL.minSeenPercent,
    )
    .option(
      '--fail-on <limit>',
      'stop when more fail: "fail>2%" of the devices that tried, "fail>5" devices',
      failLimitArgument,
    )
    .option('--timeout <duration>', 'give up after this time (default: never)', oldDurationArgument)
    .option('--interval <duration>', 'how often to check (default: 5s)', oldDurationArgument)
    .option('--json', 'print JSON; with --watch one object per line')
    .addHelpText(
      'after',
      examples(
        'ota status',
        'ota status -w --timeout 2h --fail-on "fail>2%"',
        'git pull && ota status -w --revision HEAD',
        'ota status -w --min-seen 100 && ota rollout 50 --open-pr',
        'ota status --json | jq .progress',
      ),
    )
    .action((options: StatusOptions) =>
      choose(io => {
        const client = controllerClient(io);
        if (options.watch === true) return runWatch(client, options, io);
        const given = (['revision', 'failOn', 'timeout', 'interval'] as const).find(
          o => options[o] !== undefined,
        );
        if (given === undefined) return runStatus(client, options, io);
        const flag = given === 'failOn' ? 'fail-on' : given;
        throw new Fault('option_needs_watch', `--${flag} needs --watch (-w)`, {
          retry: 'never',
        });
      }),
    );
};

async function runStatus(client: Client, options: StatusOptions, io: Io): Promise<ExitCode> {
  const now = (await client.call({ path: '/v1/rollout' })).json as RolloutOnWire;
  const refused = isRejected(now.reconcile);
  if (now.rollout === null && !refused) throw notReady(now.reconcile.source_fault);
  const builds =
    now.rollout === null ? [] : ((await client.call({ path: '/v1/builds' })).json as BuildsOnWire).builds;
  if (options.json === true) outJson(io, { ...now, builds });
  else {
    printStatus(now, builds, io);
    if (refused) printRefused(now, io);
  }
  return refused ? EXIT.halted : EXIT.fine;
}
