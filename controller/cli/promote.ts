/** `ota promote BUILD`: starts the rollout of a build, at a percentage or on a ramp. */

import { stepsOfPercent } from '../domain/seed.ts';
import type { Proposals } from '../ports/index.ts';
import type { RampPatch, WireStep } from '../yaml/change/ramp.ts';
import { buildArgument, momentOf, percentArgument, reasonArgument, seedArgument } from './arguments.ts';
import { type EditOptions, editOptions, type RequestedChange, runEdit } from './edit.ts';
import { addRampOptions, gateOf, type RampOptions, stepsArgument } from './gate-options.ts';
import type { Io } from './io.ts';
import { examples, type Verb } from './program.ts';
import { findSeed } from './seed-choice.ts';
import type { Subject } from './subject.ts';
import { usage } from './usage.ts';

interface PromoteOptions extends EditOptions, RampOptions {
  readonly percent?: number;
  readonly ramp?: readonly WireStep[];
  readonly seed?: string;
  readonly lastSafe?: string;
  readonly reason?: string;
}

export const promote =
  (proposals: Proposals | undefined): Verb =>
  (program, choose) => {
    const command = program
      .command('promote')
      .summary('make a build current, at a percentage or on a ramp')
      .description(
        'Sets current to a build and last_safe to the build that is fully rolled out, chooses a cohort_seed and removes the\n' +
          'settings of the previous rollout (rollback, force_downgrade, reason). Validates the result and prints its plan.',
      )
      .argument('<build>', 'build id, declared under builds/', buildArgument)
      .option('--percent <percent>', 'share of the fleet, 0 to 100, at most two decimals', percentArgument)
      .option(
        '--ramp <steps>',
        'or step by step: PERCENT:HOLD with commas, like 1:4h,10:24h,50:24h:approval,100',
        stepsArgument,
      )
      .option(
        '--seed <text>',
        'the cohort_seed to use; "" is the plain hash (default: search one for the active fleet)',
        seedArgument,
      )
      .option(
        '--last-safe <build>',
        'the build for devices outside the rollout (default: the one that is fully rolled out)',
        buildArgument,
      )
      .option('--reason <text>', 'why, for the pull request', reasonArgument);
    editOptions(addRampOptions(command))
      .addHelpText(
        'after',
        examples(
          'ota promote b43 --percent 10',
          'ota promote b43 --percent 1 --reason "Wi-Fi fix" --open-pr',
          'ota promote b43 --ramp 1:4h,10:24h,50:24h,100 --gate --open-pr',
          'ota promote b43 --percent 5 --last-safe b41 --dry-run',
        ),
      )
      .action((buildId: string, options: PromoteOptions) =>
        choose(io => {
          const exposure = exposureOf(options, io);
          const { lastSafe } = options;
          return runEdit(
            io,
            options,
            lastSafe === undefined ? [buildId] : [buildId, lastSafe],
            subject => wishOf(buildId, exposure, options, subject),
            proposals,
          );
        }),
      );
  };

type Exposure = { readonly percent: number } | { readonly ramp: RampPatch };

function exposureOf(options: PromoteOptions, io: Io): Exposure {
  const { percent, ramp, start } = options;
  const gate = gateOf(options);
  if (percent !== undefined && ramp !== undefined)
    throw usage('--percent and --ramp exclude each other: give only one of them');
  if (ramp !== undefined)
    return {
      ramp: {
        steps: ramp,
        start: start === undefined || start === 'now' ? undefined : momentOf(start, io.nowMs()),
        gate,
      },
    };
  if (percent === undefined) throw usage('give --percent 1, or --ramp 1:4h,10:24h,50:24h,100');
  if (gate !== undefined || start !== undefined)
    throw usage('--start and the gate need a ramp: give --ramp STEPS instead of --percent');
  return { percent };
}

function wishOf(
  buildId: string,
  exposure: Exposure,
  { seed, lastSafe, reason }: PromoteOptions,
  { fleet, written }: Subject,
): RequestedChange {
  const steps =
    'percent' in exposure
      ? stepsOfPercent(exposure.percent)
      : (exposure.ramp.steps ?? []).map(step => step.percent);
  const chosen =
    seed !== undefined || written.rollout.current === buildId
      ? { cohortSeed: seed ?? written.rollout.cohortSeed, notes: [] }
      : findSeed(buildId, steps, fleet);
  return {
    change: { kind: 'promote', buildId, exposure, cohortSeed: chosen.cohortSeed, lastSafe, reason },
    notes: chosen.notes,
  };
}
