/** `ota validate`: checks the desired state and shows where it is wrong. */
import { Option } from 'commander';
import { Fault } from '../domain/fault.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { type Base, baseAt, type HeadJudgement, judgeHead, notesOn } from './judging.ts';
import {
  countText,
  errorsIn,
  FORMATS,
  type Format,
  githubOf,
  type Placed,
  sarifOf,
  textOf,
  visible,
} from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { askRollout } from './rollout-answer.ts';
import { examineOn } from './stored-apks.ts';
import { VERSION } from './version.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

interface ValidateOptions {
  readonly base?: string;
  readonly format: Format;
  readonly offline?: boolean;
}

export const validate: Verb = (program, choose) => {
  program
    .command('validate')
    .summary('check the desired state; each problem with file, line and column')
    .description(
      'Checks all files of the desired state against the schemas and the rules, and reports every problem at once.',
    )
    .argument('[dir]', 'the folder that holds rollout.yaml', 'releases')
    .option('--base <revision>', 'also check the changes since this Git revision, by its policy')
    .option('--offline', 'do not ask the controller')
    .addOption(new Option('--format <format>', 'how to print').choices(FORMATS).default('text'))
    .addHelpText(
      'after',
      examples(
        'ota validate',
        'ota validate releases --base origin/main',
        'ota validate --base "$BASE_SHA" --format github   # annotations in CI',
        'ota validate --format sarif > ota.sarif',
      ),
    )
    .action((dir: string, options: ValidateOptions) => choose(io => runValidate(dir, options, io)));
};

/** 0 without errors (warnings are printed), 1 with. A folder that cannot be read is a Fault. */
async function runValidate(dir: string, options: ValidateOptions, io: Io): Promise<ExitCode> {
  try {
    const workspace = await openWorkspace(io, dir);
    const base = options.base === undefined ? undefined : await baseOf(io, workspace, options);
    const found = await judgeHead(
      workspace,
      await workspace.working(),
      base?.standing,
      io.nowMs(),
      examineOn(io, options.offline === true),
    );
    const judgement = { ...found, problems: [...(base?.warnings ?? []), ...found.problems] };
    print(judgement, options.format, io);
    for (const note of notesOn(judgement)) io.err(`note: ${visible(note)}\n`);
    return errorsIn(judgement.problems) === 0 ? EXIT.fine : EXIT.invalid;
  } catch (error) {
    if (options.format === 'github' && error instanceof Fault)
      io.out(
        `::error title=${error.code}::${error.message.replaceAll('%', '%25').replaceAll('\n', '%0A')}\n`,
      );
    throw error;
  }
}

const baseOf = async (io: Io, workspace: Workspace, { base = '', offline }: ValidateOptions): Promise<Base> =>
  baseAt(workspace, base, io.nowMs(), await askRollout(io, offline === true));

function print(judgement: HeadJudgement, format: Format, io: Io): void {
  const { problems, files } = judgement;
  const errors = errorsIn(problems);
  switch (format) {
    case 'json':
      outJson(io, {
        ok: errors === 0,
        errors,
        warnings: problems.length - errors,
        files,
        problems,
        approvals_needed: judgement.approvalsNeeded,
        apks_unchecked: judgement.apksUnchecked ?? null,
      });
      break;
    case 'sarif':
      outJson(io, sarifOf(problems, VERSION));
      break;
    case 'github':
      io.out(problems.map(githubOf).join(''));
      break;
    case 'text':
      printText(problems, files, io);
  }
}

function printText(problems: readonly Placed[], files: number, io: Io): void {
  const colours = paint(io);
  for (const problem of problems) io.out(textOf(problem, colours));
  const verdict = errorsIn(problems) > 0 ? colours.red('invalid') : colours.green('valid');
  io.out(`${verdict}: ${countText(problems)} in ${files} ${files === 1 ? 'file' : 'files'}\n`);
}
