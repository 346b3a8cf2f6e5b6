/** The command line: names, options and help of every verb, and the answer to a mistyped one. */
import { Command, CommanderError } from 'commander';
import { Fault } from '../domain/fault.ts';
import { EXIT, type ExitCode, type Io, paint } from './io.ts';
import { visible } from './problem-formats.ts';

/** What a chosen verb will do. */
export type Work = (io: Io) => Promise<ExitCode>;

/** Adds one verb; calls `choose` when the arguments name it. */
export type Verb = (program: Command, choose: (work: Work) => void) => void;

const NOTE = `
Environment:
  OTA_URL          the controller (default http://127.0.0.1:8080)
  OTA_ADMIN_TOKEN  an operator's token; never given as an argument
  OTA_GITHUB_REPO, OTA_GITHUB_TOKEN
                   for --open-pr; without them the branch is only pushed

Exit codes: 0 fine, 1 invalid or differences, 2 error, 3 timeout, 4 halted, 130 Ctrl-C.
Run "ota VERB --help" for examples.
`;

/** Runs one command line to its exit code; nothing is thrown except our own bugs. */
export async function run(
  argv: readonly string[],
  io: Io,
  verbs: readonly Verb[],
  version: string,
): Promise<ExitCode> {
  let work: Work | undefined;
  const program = new Command('ota')
    .description('Release Android agents to a fleet from Git: validate, plan, promote, watch, roll back.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [verb]', 'show the help of a verb')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
    .addHelpText('after', NOTE)
    .exitOverride()
    .configureOutput({
      writeOut: text => io.out(text),
      writeErr: text => io.err(text),
      outputError: (text, write) => write(visible(text)),
      getOutHasColors: () => io.colour,
      getErrHasColors: () => io.colour,
    })
    .showHelpAfterError(false);
  for (const verb of verbs)
    verb(program, chosen => {
      work = chosen;
    });
  try {
    refuseSecrets(argv);
    if (argv.length === 0) {
      program.outputHelp({ error: true });
      return EXIT.error;
    }
    program.parse([...argv], { from: 'user' });
    return work === undefined ? EXIT.fine : await work(io);
  } catch (error) {
    return told(error, io, nameIn(argv, program));
  }
}

/** A secret in the arguments is visible to every user of the machine and would be echoed by an error. */
function refuseSecrets(argv: readonly string[]): void {
  const flag = argv.find(arg => /^--(admin-?)?(token|secret|password|api-?key)\b/i.test(arg))?.split('=')[0];
  if (flag !== undefined)
    throw new Fault(
      'secret_in_arguments',
      `${flag} is not an option: other users of this machine can read arguments\n  put the token into OTA_ADMIN_TOKEN, and replace it if it was real`,
      { retry: 'never' },
    );
}

function told(error: unknown, io: Io, named: string): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.fine;
    if (error.code !== 'commander.help') io.err(`Run "${named} --help" for what is possible.\n`);
    return EXIT.error;
  }
  if (error instanceof Fault) {
    const [first = '', ...more] = visible(error.message).split('\n');
    io.err(`${paint(io).red('error')}: ${[`${first} [${error.code}]`, ...more].join('\n')}\n`);
    return error.code === 'timeout' ? EXIT.timeout : EXIT.error;
  }
  throw error;
}

/** `ota device tag`: as far as the words name verbs. */
function nameIn(argv: readonly string[], program: Command): string {
  const names = [program.name()];
  let command: Command | undefined = program;
  for (const word of argv) {
    command = command.commands.find(c => c.name() === word || c.aliases().includes(word));
    if (command === undefined) break;
    names.push(command.name());
  }
  return names.join(' ');
}

/** The `Examples:` block under a verb's help. */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map(l => `  $ ${l}`).join('\n')}\n`;
