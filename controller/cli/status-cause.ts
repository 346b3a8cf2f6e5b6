/** The message of `ota status` if nothing is in force yet: why, and what to do. */
import { Fault } from '../domain/fault.ts';

/** By the code of the fault that prevents reading the source. */
const CURES: Readonly<Record<string, string>> = {
  branch_unknown: 'the repository has no such branch: push a first commit to it, or set OTA_SOURCE_BRANCH',
  branch_invalid: 'OTA_SOURCE_BRANCH is not a valid branch name',
  source_unreachable:
    'the repository cannot be reached: on the controller’s machine, run git ls-remote with OTA_SOURCE',
  source_unreadable:
    'the source cannot be read: check OTA_SOURCE, and that the controller has permission to read it',
  source_timeout: 'Git did not finish in time: the network or the repository is slow',
  source_changing: 'the folder keeps changing while it is read: stop the program that writes there',
};

/** The Fault `not_ready`. `sourceFault` is the code of the fault; null during the first read. */
export function notReady(sourceFault: string | null): Fault {
  const why =
    sourceFault === null
      ? 'the controller is reading its source for the first time; try again in a few seconds'
      : `${CURES[sourceFault] ?? "see OTA_SOURCE and the controller's log"} [${sourceFault}]`;
  return new Fault('not_ready', `no release has been applied yet\n  ${why}`, { retry: 'backoff' });
}
