/** The command line of `ota-agent`: verbs, help, and what a mistyped one is told. */
import { Command, CommanderError } from 'commander';
import { Fault } from '../../controller/domain/fault.ts';
import { refuseSecrets } from './credentials.ts';
import { EXIT, type ExitCode, type Io, paint } from './io.ts';

export type Work = (io: Io) => Promise<ExitCode>;
/** Adds one verb; calls `choose` when the arguments name it. */
export type Verb = (program: Command, choose: (work: Work) => void) => void;

const NOTE = `
Environment:
  OTA_AGENT_URL                                the controller (https, or http on loopback)
  OTA_AGENT_TOKEN, OTA_AGENT_TOKEN_FILE        the device's bearer token
  OTA_AGENT_NUDGE_KEY, OTA_AGENT_NUDGE_KEY_FILE  its nudge key
  Secrets are never given as arguments.

Exit codes: 0 fine, 1 an attempt, a device or a check failed, 2 error, 75 replaced by an update (start it again).
Run "ota-agent VERB --help" for examples.
`;

/** Runs one command line to its exit code; nothing is thrown except our own bugs. */
export async function run(
  argv: readonly string[],
  io: Io,
  verbs: readonly Verb[],
  version: string,
): Promise<ExitCode> {
  let work: Work | undefined;
  const program = new Command('ota-agent')
    .description('The reference device agent: runs one device, simulates a fleet, certifies others.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [verb]', 'show the help of a verb')
    .addHelpText('after', NOTE)
    .exitOverride()
    .configureOutput({
      writeOut: text => io.out(text),
      writeErr: text => io.err(text),
      getOutHasColors: () => io.colour,
      getErrHasColors: () => io.colour,
    });
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
    return told(error, io);
  }
}

function told(error: unknown, io: Io): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.error;
  if (!(error instanceof Fault)) throw error;
  io.err(`${paint(io).red('error')} ${error.code}: ${error.message}\n`);
  return EXIT.error;
}
