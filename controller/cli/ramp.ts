/** `ota ramp`: changes the steps, the start or the gate of the current rollout. */
import type { Proposals } from '../ports/index.ts';
import type { WireStep } from '../yaml/change/ramp.ts';
import { momentOf, percentArgument, reasonArgument } from './arguments.ts';
import { type EditOptions, editOptions, runEdit } from './edit.ts';
import { addRampOptions, gateOf, type RampOptions, stepsArgument } from './gate-options.ts';
import { examples, type Verb } from './program.ts';
import { usage } from './usage.ts';

interface Options extends EditOptions, RampOptions {
  readonly steps?: readonly WireStep[];
  readonly approve?: number;
  readonly reason?: string;
}

export const ramp =
  (proposals: Proposals | undefined): Verb =>
  (program, choose) => {
    const command = program
      .command('ramp')
      .summary('change the steps, the start or the gate of the current ramp')
      .description(
        'Edits the ramp in rollout.yaml. Values without an option stay. With --steps a fixed percentage becomes a ramp.',
      )
      .option(
        '--steps <steps>',
        'PERCENT:HOLD with commas; the last step has no hold; :approval waits for a person',
        stepsArgument,
      )
      .option(
        '--approve <percent>',
        'steps that need an approval may open up to this percent',
        percentArgument,
      )
      .option('--reason <text>', 'why, for the pull request', reasonArgument);
    editOptions(addRampOptions(command))
      .addHelpText(
        'after',
        examples(
          'ota ramp --steps 1:4h,10:24h,50:24h:approval,100',
          'ota ramp --start 2026-12-01T08:00:00+01:00',
          'ota ramp --gate --fail-max 1% --on-breach rollback --open-pr',
          'ota ramp --approve 50 --open-pr',
        ),
      )
      .action((options: Options) =>
        choose(io => {
          const { steps, start, approve, reason } = options;
          const gate = gateOf(options);
          if ([steps, start, approve, gate].every(option => option === undefined))
            throw usage('name what to change: --steps, --start, --approve or the gate');
          return runEdit(
            io,
            options,
            [],
            () => ({
              change: {
                kind: 'ramp',
                ramp: {
                  steps,
                  start: start === undefined || start === 'now' ? start : momentOf(start, io.nowMs()),
                  gate,
                  approvedPercent: approve,
                },
                reason,
              },
            }),
            proposals,
          );
        }),
      );
  };
