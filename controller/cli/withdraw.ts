/** `ota withdraw BUILD`: makes sure that a build is never offered again. */
import type { Proposals } from '../ports/index.ts';
import { buildArgument, reasonArgument } from './arguments.ts';
import { type EditOptions, editOptions, runEdit } from './edit.ts';
import { examples, type Verb } from './program.ts';

export const withdraw =
  (proposals: Proposals | undefined): Verb =>
  (program, choose) => {
    const command = program
      .command('withdraw')
      .summary('withdraw a build for good')
      .description(
        'Writes withdrawn into builds/BUILD.yaml. The build is never offered again, and no later commit can undo that:\n' +
          'fixed code needs a new build. Devices that run it keep it.',
      )
      .argument('<build>', 'build id, declared under builds/', buildArgument)
      .requiredOption('--reason <text>', 'why; it stays in the file', reasonArgument);
    editOptions(command)
      .addHelpText('after', examples('ota withdraw b42 --reason "crash loop on API 29" --open-pr'))
      .action((buildId: string, options: EditOptions & { reason: string }) =>
        choose(io => {
          const change = { kind: 'withdraw', buildId, reason: options.reason, nowMs: io.nowMs() } as const;
          return runEdit(io, options, [buildId], () => ({ change }), proposals);
        }),
      );
  };
