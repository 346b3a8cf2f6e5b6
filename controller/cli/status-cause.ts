/** Why nothing is in force yet, and what to do about it: said by `ota status` on the first day. */
import { Fault } from '../domain/fault.ts';

/** By the code of the fault that keeps the source from being read. */
const CURES: Readonly<Record<string, string>> = {
  branch_unknown: 'the repository has no such branch: push a first commit to it, or set OTA_SOURCE_BRANCH',
  branch_invalid: 'OTA_SOURCE_BRANCH is no branch name',
  source_unreachable:
    'the repository cannot be reached: does git ls-remote work with OTA_SOURCE on its machine?',
  source_unreadable:
    'the source cannot be read: does OTA_SOURCE name the right place, and may the controller read it?',
  source_timeout: 'Git did not finish in time: the network or the repository is slow',
  source_changing: 'the folder keeps changing while it is read: who writes there?',
};

/** `sourceFault`: its code, null while the first read is under way. Fault `not_ready`. */
export function notReady(sourceFault: string | null): Fault {
  const why =
    sourceFault === null
      ? 'the controller reads its source for the first time; look again in some seconds'
      : `${CURES[sourceFault] ?? "see OTA_SOURCE and the controller's log"} [${sourceFault}]`;
  return new Fault('not_ready', `no release has been applied yet\n  ${why}`, { retry: 'backoff' });
}
