/** `ota policy show|set`: the guardrails for every merge. */
import type { Proposals } from '../ports/index.ts';
import type { PolicyChange } from '../yaml/change/policy.ts';
import { parseState } from '../yaml/parse.ts';
import { type EditOptions, editOptions, runEdit } from './edit.ts';
import { printProblems } from './edit-ending.ts';
import { EXIT, type ExitCode, type Io, outJson } from './io.ts';
import { judgeHead } from './judging.ts';
import {
  approvalsArgument,
  freezeArgument,
  jumpArgument,
  percentListArgument,
  signersArgument,
} from './policy-options.ts';
import { policyJson, policyLines } from './policy-print.ts';
import { examples, type Verb } from './program.ts';
import { usage } from './usage.ts';
import { openWorkspace } from './workspace.ts';

type SetOptions = EditOptions & Omit<PolicyChange, 'kind'>;

export const policy =
  (proposals: Proposals | undefined): Verb =>
  (program, choose) => {
    const group = program
      .command('policy')
      .summary('show or change the guardrails that merges must respect')
      .description(
        'The guardrails of policy.yaml. Like every other change, a change of the policy is checked by the merged policy.',
      )
      .addHelpText('after', examples('ota policy show', 'ota policy set --max-jump 25 --open-pr'));
    group
      .command('show')
      .description('Shows the guardrails as text.')
      .option('--dir <dir>', 'the folder that holds rollout.yaml', 'releases')
      .option('--base <revision>', 'at a revision (default: the files as they are)')
      .option('--json', 'print one JSON object')
      .addHelpText('after', examples('ota policy show', 'ota policy show --base origin/main --json'))
      .action((options: EditOptions) => choose(io => show(options, io)));
    const set = group
      .command('set')
      .description('Changes guardrails. Guardrails without an option stay; "none" removes one.')
      .option(
        '--allowed-percents <list>',
        'the only percentages allowed, like 1,5,10,100, or none',
        percentListArgument,
      )
      .option('--max-jump <points>', 'the largest increase at once, in points, or none', jumpArgument)
      .option('--pin <fingerprints>', 'keys that builds may be signed with', signersArgument)
      .option('--unpin <fingerprints>', 'keys that builds may not be signed with any more', signersArgument)
      .option('--approvals <list>', 'ABOVE:REVIEWERS, like 25:1,50:2, or none', approvalsArgument)
      .option(
        '--freeze <window>',
        'no increase in these hours: "fri 16:00-24:00 Europe/Berlin REASON"; may be repeated',
        freezeArgument,
      )
      .option('--unfreeze <reason>', 'remove the window with this reason; may be repeated', repeated);
    editOptions(set)
      .addHelpText(
        'after',
        examples(
          'ota policy set --allowed-percents 0,1,5,10,25,50,100 --max-jump 50',
          'ota policy set --approvals 25:1,50:2 --open-pr',
          'ota policy set --freeze "sat,sun 00:00-24:00 Europe/Berlin weekend"',
        ),
      )
      .action(({ maxJump, ...options }: SetOptions & { maxJump?: number | 'none' }) =>
        choose(io => {
          const { allowedPercents, pin, unpin, approvals, freeze, unfreeze } = options;
          const parts = { allowedPercents, maxJumpPercent: maxJump, pin, unpin, approvals, freeze, unfreeze };
          if (Object.values(parts).every(part => part === undefined))
            throw usage('name a guardrail to change: ota policy set --help lists them');
          return runEdit(io, options, [], () => ({ change: { kind: 'policy', ...parts } }), proposals);
        }),
      );
  };

const repeated = (text: string, before: readonly string[] = []): string[] => [...before, text];

/** 0, or 1 if the files are invalid. */
async function show(options: EditOptions, io: Io): Promise<ExitCode> {
  const workspace = await openWorkspace(io, options.dir);
  const tree = options.base === undefined ? await workspace.working() : await workspace.at(options.base);
  const { state } = parseState(tree, undefined, { nowMs: io.nowMs() });
  if (state === undefined) {
    printProblems((await judgeHead(workspace, tree, undefined, io.nowMs())).problems, io);
    return EXIT.invalid;
  }
  if (options.json === true) outJson(io, policyJson(state.policy));
  else
    io.out(
      policyLines(state.policy)
        .map(line => `${line}\n`)
        .join(''),
    );
  return EXIT.fine;
}
