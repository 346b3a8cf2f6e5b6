/** `ota validate`: is this desired state right, and if not, where. */
import { Option } from 'commander';
import { Fault } from '../domain/fault.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import {
  countText,
  errorsIn,
  FORMATS,
  type Format,
  githubOf,
  type Placed,
  sarifOf,
  textOf,
} from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { VERSION } from './version.ts';
import { judgeHead, openWorkspace, standingAt } from './workspace.ts';

export interface ValidateOptions {
  readonly base?: string;
  readonly format: Format;
}

export const validate: Verb = (program, choose) => {
  program
    .command('validate')
    .summary('check the desired state; each problem with file, line and column')
    .description(
      'Checks all files of the desired state against the schemas and the rules, and reports every problem at once.',
    )
    .argument('[dir]', 'the folder that holds rollout.yaml', 'releases')
    .option('--base <revision>', 'judge what changed since this Git revision, and by its policy')
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
    const base =
      options.base === undefined ? undefined : await standingAt(workspace, options.base, io.nowMs());
    const { problems, files } = await judgeHead(workspace, await workspace.working(), base, io.nowMs());
    print(problems, files, options.format, io);
    return errorsIn(problems) === 0 ? EXIT.fine : EXIT.invalid;
  } catch (error) {
    if (options.format === 'github' && error instanceof Fault)
      io.out(
        `::error title=${error.code}::${error.message.replaceAll('%', '%25').replaceAll('\n', '%0A')}\n`,
      );
    throw error;
  }
}

function print(problems: readonly Placed[], files: number, format: Format, io: Io): void {
  const errors = errorsIn(problems);
  switch (format) {
    case 'json':
      outJson(io, { ok: errors === 0, errors, warnings: problems.length - errors, files, problems });
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
