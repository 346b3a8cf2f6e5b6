/**
 * The command line of `ota` and `ota-agent`: verbs, help, version, and errors for a mistyped verb, option or value. In
 * both, exit code 0 is success and 2 is an error. A verb can return other codes.
 */
import { Command, CommanderError } from 'commander';
import { createColors } from 'picocolors';
import { Fault } from '../domain/fault.ts';
import { visible } from './problem-formats.ts';

/** Where a command line writes. */
interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly colour: boolean;
}

/** Adds one verb. Calls `choose` with the verb's work if the arguments name it. */
export type AddVerb<I, E extends number> = (
  program: Command,
  choose: (work: (io: I) => Promise<E>) => void,
) => void;

interface CommandLine<I extends Terminal, E extends number> {
  readonly name: string;
  readonly description: string;
  /** Environment variables and exit codes, printed below the help. */
  readonly note: string;
  readonly version: string;
  readonly verbs: readonly AddVerb<I, E>[];
  /** Names of options that would contain a secret, and the safe way to pass it. */
  readonly secrets: { readonly flag: RegExp; readonly instead: (flag: string) => string };
  readonly exit: { readonly fine: E; readonly error: E };
  /** The exit code for a Fault; by default `exit.error`. */
  readonly exitOf?: (fault: Fault) => E;
}

/** Runs one command line and returns its exit code. Throws only for our own bugs. */
export async function runCommandLine<I extends Terminal, E extends number>(
  line: CommandLine<I, E>,
  argv: readonly string[],
  io: I,
): Promise<E> {
  let work: ((io: I) => Promise<E>) | undefined;
  const program = programOf(line, io);
  for (const verb of line.verbs)
    verb(program, chosen => {
      work = chosen;
    });
  try {
    refuseSecrets(line, argv);
    if (argv.length === 0) {
      program.outputHelp({ error: true });
      return line.exit.error;
    }
    program.parse(asked(argv, program), { from: 'user' });
    return work === undefined ? line.exit.fine : await work(io);
  } catch (error) {
    return answer(line, error, io, nameIn(argv, program));
  }
}

const programOf = <I extends Terminal, E extends number>(line: CommandLine<I, E>, io: I): Command =>
  new Command(line.name)
    .description(line.description)
    .version(line.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [verb]', 'show the help of a verb')
    .configureHelp({
      sortSubcommands: false,
      showGlobalOptions: false,
      commandDescription: command => flowing(command.description()),
    })
    .addHelpText('after', line.note)
    .exitOverride()
    .configureOutput({
      writeOut: text => io.out(text),
      writeErr: text => io.err(text),
      // `answer` prints the error, because it knows the exit code.
      outputError: () => undefined,
      getOutHasColors: () => io.colour,
      getErrHasColors: () => io.colour,
    })
    .showHelpAfterError(false);

/** A paragraph fits itself to the terminal: its line breaks are those of the source. */
const flowing = (text: string): string => text.replace(/([^\n])\n(?=[^\n])/g, '$1 ');

/** `help device tag` → `device tag --help`. An unknown word gets the same error as a mistyped verb. */
function asked(argv: readonly string[], program: Command): string[] {
  const [first, ...words] = argv;
  if (first !== 'help' || words.length === 0) return [...argv];
  let command: Command | undefined = program;
  for (const [i, word] of words.entries()) {
    command = command.commands.find(c => c.name() === word || c.aliases().includes(word));
    if (command === undefined) return words.slice(0, i + 1);
  }
  return [...words, '--help'];
}

/** A secret in the arguments is visible to every user of the machine and would be echoed by an error. */
function refuseSecrets<I extends Terminal, E extends number>(
  { secrets }: CommandLine<I, E>,
  argv: readonly string[],
): void {
  const flag = argv.find(arg => secrets.flag.test(arg))?.split('=')[0];
  if (flag === undefined) return;
  throw new Fault(
    'secret_in_arguments',
    `${flag} is not an option: other users of this machine can read arguments\n  ${secrets.instead(flag)}, and replace it if it was real`,
    { retry: 'never' },
  );
}

function answer<I extends Terminal, E extends number>(
  line: CommandLine<I, E>,
  error: unknown,
  io: I,
  named: string,
): E {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return line.exit.fine;
    if (error.code !== 'commander.help') {
      const [first = '', ...more] = visible(error.message.replace(/^error: /, '')).split('\n');
      const told = [`${first} [${usageCode(error)}]`, ...more.map(text => `  ${text}`)].join('\n');
      io.err(
        `${createColors(io.colour).red('error')}: ${told}\nRun "${named} --help" for what is possible.\n`,
      );
    }
    return line.exit.error;
  }
  if (!(error instanceof Fault)) throw error;
  const [first = '', ...more] = visible(error.message).split('\n');
  io.err(`${createColors(io.colour).red('error')}: ${[`${first} [${error.code}]`, ...more].join('\n')}\n`);
  return line.exitOf?.(error) ?? line.exit.error;
}

/** `commander.invalidArgument` → `invalid_argument`. */
const usageCode = ({ code }: CommanderError): string =>
  code.replace(/^commander\./, '').replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);

/** The full name of the verb in the arguments, such as `ota device tag`. */
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
