/** `ota diff`: compares the files here with the revision in force at the controller. */
import { Option } from 'commander';
import type * as Api from '../../schemas/api.d.ts';
import { Fault } from '../domain/fault.ts';
import { controllerClient } from './client.ts';
import type { ExitCode, Io } from './io.ts';
import { type PlanOptions, runPlan } from './plan.ts';
import { examples, type Verb } from './program.ts';

type DiffOptions = Omit<PlanOptions, 'base' | 'offline'>;

export const diff: Verb = (program, choose) => {
  program
    .command('diff')
    .summary('show how the files here differ from what is in force')
    .description(
      'Asks the controller which revision is in force and shows the plan from it to the files here. The clone must\n' +
        'have that revision. To see what a merge into a branch would do, use ota plan.',
    )
    .option('--head <revision>', 'compare this revision (default: the files as they are now)')
    .option('--dir <dir>', 'the folder that holds rollout.yaml', 'releases')
    .addOption(
      new Option('--format <format>', 'how to print').choices(['text', 'markdown', 'json']).default('text'),
    )
    .option('--exit-code', 'exit with 1 when there are differences')
    .addHelpText('after', examples('ota diff', 'ota diff --head origin/main --exit-code'))
    .action((options: DiffOptions) => choose(io => runDiff(options, io)));
};

/** Faults `not_ready`, `diff_needs_git`; `revision_unknown` if the clone does not have the revision. */
async function runDiff(options: DiffOptions, io: Io): Promise<ExitCode> {
  const { revision } = (await controllerClient(io).call({ path: '/v1/rollout' })).json as Api.RolloutView;
  if (revision === null)
    throw new Fault('not_ready', 'no release has been applied yet, so there is nothing to compare with', {
      retry: 'backoff',
    });
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(revision))
    throw new Fault(
      'diff_needs_git',
      'the controller reads a plain folder, which has no revisions to compare with\n  ota status shows what is in force',
      { retry: 'never' },
    );
  return runPlan({ ...options, base: revision, offline: false }, io);
}
