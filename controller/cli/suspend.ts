/** `ota suspend` stops all offers for a while; `ota unsuspend` resumes them. */
import type { Proposals } from '../ports/index.ts';
import { momentOf, reasonArgument, type When, whenArgument } from './arguments.ts';
import { type EditOptions, editOptions, runEdit } from './edit.ts';
import { examples, type Verb } from './program.ts';

interface SuspendOptions extends EditOptions {
  readonly until: When;
  readonly since?: When;
  readonly reason: string;
}

export const suspend =
  (proposals: Proposals | undefined): Verb =>
  (program, choose) => {
    const command = program
      .command('suspend')
      .summary('stop all offers until a given time')
      .description(
        'Writes suspend into rollout.yaml: no device is offered any build, not even canaries or in a rollback, and the ramp\n' +
          'is paused. It ends by itself. To stop one build for good: ota rollback; at once and without Git: ota brake.',
      )
      .requiredOption('--until <when>', 'when it ends: 4h, or a time with its offset', whenArgument)
      .requiredOption('--reason <text>', 'why; shown on the pull request', reasonArgument)
      .option('--since <when>', 'when it begins (default: now)', whenArgument);
    editOptions(command)
      .addHelpText(
        'after',
        examples(
          'ota suspend --until 4h --reason "the Wi-Fi of site 3 is down"',
          'ota suspend --since 2026-12-24T12:00:00+01:00 --until 2026-12-27T08:00:00+01:00 --reason Christmas --open-pr',
        ),
      )
      .action((options: SuspendOptions) =>
        choose(io => {
          const nowMs = io.nowMs();
          const since = momentOf(options.since ?? { inMs: 0 }, nowMs);
          const until = momentOf(options.until, nowMs);
          const { reason } = options;
          return runEdit(
            io,
            options,
            [],
            () => ({ change: { kind: 'suspend', since, until, reason, nowMs } }),
            proposals,
          );
        }),
      );
  };

export const unsuspend =
  (proposals: Proposals | undefined): Verb =>
  (program, choose) => {
    const command = program
      .command('unsuspend')
      .summary('resume offers')
      .description('Removes suspend from rollout.yaml. A ramp continues where it was paused.')
      .option('--reason <text>', 'why, for the pull request', reasonArgument);
    editOptions(command)
      .addHelpText('after', examples('ota unsuspend', 'ota unsuspend --open-pr'))
      .action((options: EditOptions & { reason?: string }) =>
        choose(io => {
          const change = { kind: 'unsuspend', reason: options.reason, nowMs: io.nowMs() } as const;
          return runEdit(io, options, [], () => ({ change }), proposals);
        }),
      );
  };
