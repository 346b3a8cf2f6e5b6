/** `ota rollback`: stops offering `current` and offers all devices the last safe build. */

import type { Proposals } from '../ports/index.ts';
import { buildArgument, reasonArgument } from './arguments.ts';
import { type EditOptions, editOptions, runEdit } from './edit.ts';
import { examples, type Verb } from './program.ts';

interface RollbackOptions extends EditOptions {
  readonly to?: string;
  readonly forceDowngrade?: boolean;
  readonly reason?: string;
}

export const rollback =
  (proposals: Proposals | undefined): Verb =>
  (program, choose) => {
    const command = program
      .command('rollback')
      .summary('stop the rollout and serve the last safe build to all')
      .description(
        'Sets rollback: true in the present rollout.yaml. It is not a patch of an older file, so it cannot conflict.\n' +
          'Devices that have installed the build stay on it, unless --force-downgrade is given and Android allows it.',
      )
      .option('--to <build>', 'the build to go back to (default: last_safe)', buildArgument)
      .option('--force-downgrade', 'also downgrade devices that already run the build; needs --reason')
      .option('--reason <text>', 'why, for the pull request', reasonArgument);
    editOptions(command)
      .addHelpText(
        'after',
        examples(
          'ota rollback --reason "crash loop on API 29" --open-pr',
          'ota rollback --to b40',
          'ota rollback --force-downgrade --reason "b42 loses data"',
        ),
      )
      .action(({ to, forceDowngrade = false, reason, ...options }: RollbackOptions) =>
        choose(io =>
          runEdit(
            io,
            options,
            to === undefined ? [] : [to],
            () => ({ change: { kind: 'rollback', to, forceDowngrade, reason } }),
            proposals,
          ),
        ),
      );
  };
