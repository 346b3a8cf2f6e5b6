/** `ota rollout N`: offers the current build to more or fewer devices. */

import type { Proposals } from '../ports/index.ts';
import { percentArgument, reasonArgument } from './arguments.ts';
import { type EditOptions, editOptions, runEdit } from './edit.ts';
import { examples, type Verb } from './program.ts';

export const rollout =
  (proposals: Proposals | undefined): Verb =>
  (program, choose) => {
    const command = program
      .command('rollout')
      .summary('change the percentage of the current rollout')
      .description(
        'Sets rollout_percent in rollout.yaml and replaces a ramp. Raising it never removes the build from a device that has it.',
      )
      .argument('<percent>', 'share of the fleet, 0 to 100, at most two decimals', percentArgument)
      .option('--reason <text>', 'why, for the pull request', reasonArgument);
    editOptions(command)
      .addHelpText(
        'after',
        examples('ota rollout 50', 'ota rollout 2.5 --dry-run', 'ota rollout 100 --open-pr'),
      )
      .action((percent: number, options: EditOptions & { reason?: string }) =>
        choose(io =>
          runEdit(
            io,
            options,
            [],
            () => ({ change: { kind: 'rollout', percent, reason: options.reason } }),
            proposals,
          ),
        ),
      );
  };
