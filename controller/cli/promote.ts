/** `ota promote BUILD --percent N`: a build becomes the one that is rolled out. */

import type { Proposals } from '../ports/index.ts';
import { buildArgument, percentArgument, reasonArgument, seedArgument } from './arguments.ts';
import { type EditOptions, editOptions, runEdit } from './edit-rollout.ts';
import { examples, type Verb } from './program.ts';
import { findSeed } from './seed-choice.ts';

interface PromoteOptions extends EditOptions {
  readonly percent: number;
  readonly seed?: string;
  readonly lastSafe?: string;
  readonly reason?: string;
}

export const promote =
  (proposals: Proposals | undefined): Verb =>
  (program, choose) => {
    const command = program
      .command('promote')
      .summary('make a build current, at a percentage')
      .description(
        'Points current at a build, fills last_safe from what is fully rolled out, chooses a cohort_seed and clears what\n' +
          'belonged to the rollout before (rollback, force_downgrade, reason). The result is validated and its plan printed.',
      )
      .argument('<build>', 'build id, declared under builds/', buildArgument)
      .requiredOption(
        '--percent <percent>',
        'share of the fleet, 0 to 100, at most two decimals',
        percentArgument,
      )
      .option(
        '--seed <text>',
        'this cohort_seed; "" is the plain hash (default: searched on the enrolled fleet)',
        seedArgument,
      )
      .option(
        '--last-safe <build>',
        'what devices outside the rollout run (default: what is fully rolled out)',
        buildArgument,
      )
      .option('--reason <text>', 'why, for the pull request', reasonArgument);
    editOptions(command)
      .addHelpText(
        'after',
        examples(
          'ota promote b43 --percent 10',
          'ota promote b43 --percent 1 --reason "Wi-Fi fix" --open-pr',
          'ota promote b43 --percent 5 --last-safe b41 --dry-run',
        ),
      )
      .action((buildId: string, { percent, seed, lastSafe, reason, ...options }: PromoteOptions) =>
        choose(io =>
          runEdit(
            io,
            options,
            lastSafe === undefined ? [buildId] : [buildId, lastSafe],
            ({ fleet, written }) => {
              const chosen =
                seed !== undefined || written.rollout.current === buildId
                  ? { cohortSeed: seed ?? written.rollout.cohortSeed, notes: [] }
                  : findSeed(buildId, fleet);
              return {
                change: {
                  kind: 'promote',
                  buildId,
                  percent,
                  cohortSeed: chosen.cohortSeed,
                  lastSafe,
                  reason,
                },
                notes: chosen.notes,
              };
            },
            proposals,
          ),
        ),
      );
  };
