/** The command line of `ota-agent`. */
import { type AddVerb, runCommandLine } from '../../controller/cli/command-line.ts';
import { EXIT, type ExitCode, type Io } from './io.ts';

export type Work = (io: Io) => Promise<ExitCode>;
/** Adds one verb; calls `choose` when the arguments name it. */
export type Verb = AddVerb<Io, ExitCode>;

const NOTE = `
Environment:
  OTA_AGENT_URL        the controller (https, or http on loopback)
  OTA_AGENT_TOKEN      the device's bearer token, or OTA_AGENT_TOKEN_FILE
  OTA_AGENT_NUDGE_KEY  its nudge key, or OTA_AGENT_NUDGE_KEY_FILE
  Secrets are never given as arguments.

Exit codes: 0 fine, 1 an attempt, a device or a check failed, 2 error,
75 replaced by an update (start it again).
Run "ota-agent VERB --help" for examples.
`;

/** Runs one command line and returns its exit code; throws only for our own bugs. */
export const run = (
  argv: readonly string[],
  io: Io,
  verbs: readonly Verb[],
  version: string,
): Promise<ExitCode> =>
  runCommandLine(
    {
      name: 'ota-agent',
      description: 'The reference device agent: runs one device, simulates a fleet, certifies others.',
      note: NOTE,
      version,
      verbs,
      secrets: {
        flag: /^--(device-?|admin-?|nudge-?)?(token|key|secret|password)(=|$)/i,
        instead: flag => `put the secret into a file and give ${flag}-file`,
      },
      exit: EXIT,
    },
    argv,
    io,
  );
