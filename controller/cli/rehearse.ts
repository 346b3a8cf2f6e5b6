/** `ota rehearse`: tests the way back of a change on a scratch clone, and prints the commands that undo the change. */
import { Option } from 'commander';
import { code } from '../domain/plan/escape.ts';
import { countText } from '../domain/plan/words.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { baseAt, judgeHead } from './judging.ts';
import { textOf, visible } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { type Rehearsal, rehearse as rehearseChange } from './rehearsal.ts';
import { openWorkspace, repositoryOf } from './workspace.ts';

interface RehearseOptions {
  readonly base: string;
  readonly head: string;
  readonly dir: string;
  readonly format: 'text' | 'markdown' | 'json';
}

export const rehearse: Verb = (program, choose) => {
  program
    .command('rehearse')
    .summary('test the way back of a change before it is merged')
    .description(
      'Applies the change in a scratch clone, runs the rollback there and checks the result like the controller would.\n' +
        'Prints the commands that undo the merge. Your files and branches are not changed.',
    )
    .requiredOption('--base <revision>', 'the revision before the merge')
    .option('--head <revision>', 'the revision to merge', 'HEAD')
    .option('--dir <dir>', 'the folder that holds rollout.yaml', 'releases')
    .addOption(
      new Option('--format <format>', 'how to print').choices(['text', 'markdown', 'json']).default('text'),
    )
    .addHelpText(
      'after',
      examples(
        'ota rehearse --base origin/main',
        'ota rehearse --base main --head my-branch --format markdown',
      ),
    )
    .action((options: RehearseOptions) => choose(io => runRehearse(options, io)));
};

/** 0 if the way back passes or none is needed, 1 if it would be refused or head is invalid. */
async function runRehearse(options: RehearseOptions, io: Io): Promise<ExitCode> {
  const workspace = await openWorkspace(io, options.dir);
  const repository = repositoryOf(workspace, options.dir);
  const { standing: base } = await baseAt(workspace, options.base, io.nowMs());
  const head = await repository.resolve(options.head);
  const { plan, problems } = await judgeHead(workspace, await repository.read(head), base, io.nowMs());
  if (plan === undefined) {
    if (options.format === 'json') outJson(io, { result: 'invalid', problems: problems });
    for (const problem of problems) io.err(textOf(problem, paint(io)));
    io.err(
      `${paint(io).red('no rehearsal')}: ${visible(options.head)} is invalid and would not be applied\n`,
    );
    return EXIT.invalid;
  }
  const found = await rehearseChange({ workspace, repository, base, plan, baseName: options.base, head }, io);
  if (options.format === 'json') outJson(io, asJson(found));
  else io.out(options.format === 'markdown' ? asMarkdown(found, head) : asText(found, head));
  if (found.kind === 'refused') io.err(`${visible(found.message)}\n`);
  return found.kind === 'refused' ? EXIT.invalid : EXIT.fine;
}

function asJson(found: Rehearsal): object {
  if (found.kind === 'none') return { result: 'none', why: found.why };
  if (found.kind === 'refused') return { result: 'refused', command: found.command, why: found.message };
  return { result: 'passes', steps: found.steps, approvals_needed: found.approvals };
}

function asText(found: Rehearsal, head: string): string {
  if (found.kind === 'none') return `nothing to rehearse: ${found.why}\n`;
  if (found.kind === 'refused') return `the way back would be refused: ${found.command}\n`;
  return [
    `rehearsed on a scratch clone of ${head.slice(0, 12)}: the way back passes`,
    ...found.steps.map(step => `  ${step.command}\n      ${step.effect}`),
    ...approvalsIn(found),
    '',
  ].join('\n');
}

function asMarkdown(found: Rehearsal, head: string): string {
  if (found.kind === 'none') return `\n<sub>Way back: nothing to rehearse, ${found.why}.</sub>\n`;
  if (found.kind === 'refused')
    return `\n> [!CAUTION]\n> **The way back would be refused.** ${code(found.command)} was rehearsed on ${code(head.slice(0, 12))}; the log of the check says why.\n`;
  const lines = [
    ...found.steps.map(s => `- ${code(s.command)}${s.passes ? '' : ' ⚠️'}: ${s.effect}`),
    ...approvalsIn(found).map(line => `- ${line.trim()}`),
  ];
  return `\n**Way back, rehearsed** on a scratch clone of ${code(head.slice(0, 12))}:\n\n${lines.join('\n')}\n`;
}

const approvalsIn = (found: Rehearsal & { kind: 'passes' }): string[] =>
  found.approvals === 0 ? [] : [`  the policy requires ${countText(found.approvals, 'approval')} for it`];
