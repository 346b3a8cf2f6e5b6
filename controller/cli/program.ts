/** The command line of `ota`. */
import { type AddVerb, runCommandLine } from './command-line.ts';
import { EXIT, type ExitCode, type Io } from './io.ts';

/** The work of a chosen verb. */
export type Work = (io: Io) => Promise<ExitCode>;

/** Adds one verb; calls `choose` if the arguments name it. */
export type Verb = AddVerb<Io, ExitCode>;

const NOTE = `
Environment:
  OTA_URL          the controller (default http://127.0.0.1:8080)
  OTA_ADMIN_TOKEN  an operator's token; never given as an argument.
                   OTA_ADMIN_TOKEN_FILE names a file that contains it
  OTA_CONTEXT      the name of a controller, like --context NAME with any verb
                   (see: ota context)
  OTA_GITHUB_REPO, OTA_GITHUB_TOKEN
                   for --open-pr; without them the branch is only pushed

Exit codes: 0 success, 1 invalid or differences, 2 error, 3 timeout,
4 halted or waiting for a person, 130 Ctrl-C.
Run "ota VERB --help" for examples.
`;

/** Runs one command line and returns its exit code. Throws only for our own bugs. */
export const run = (
  argv: readonly string[],
  io: Io,
  verbs: readonly Verb[],
  version: string,
): Promise<ExitCode> =>
  runCommandLine(
    {
      name: 'ota',
      description: 'Release Android agents to a fleet from Git: validate, plan, promote, watch, roll back.',
      note: NOTE,
      version,
      verbs,
      secrets: {
        flag: /^--(admin-?)?(token|secret|password|api-?key)\b/i,
        instead: () => 'put the token into OTA_ADMIN_TOKEN',
      },
      exit: EXIT,
      exitOf: fault => (fault.code === 'timeout' ? EXIT.timeout : EXIT.error),
    },
    argv,
    io,
  );

/** The `Examples:` block under a verb's help. */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map(l => `  $ ${l}`).join('\n')}\n`;
