/** Every migration, in order. One that was released is never edited: add the next. */
import type { Migration } from '../migration.ts';
import { first } from './0001-first.ts';
import { rampProgress } from './0002-ramp-progress.ts';
import { tokenOrigin } from './0003-token-origin.ts';
import { halts } from './0004-halts.ts';
import { evidenceTally } from './0005-evidence-tally.ts';
import { leader } from './0006-leader.ts';
import { brakePull } from './0007-brake-pull.ts';
import { lastByte } from './0008-last-byte.ts';
import { checkInGaps } from './0009-check-in-gaps.ts';
import { attemptsOfDevice } from './0010-attempts-of-device.ts';
import { looking } from './0011-looking.ts';
import { tagChanges } from './0012-tag-changes.ts';
import { pages } from './0014-pages.ts';
import { sessions } from './0016-sessions.ts';
import { installation } from './0020-installation.ts';
import { people } from './0021-people.ts';
import { roomForCheckIns } from './0022-room-for-check-ins.ts';
import { lease } from './0023-lease.ts';
import { controllers } from './0024-controllers.ts';
import { changes } from './0025-changes.ts';
import { redirects } from './0026-redirects.ts';

export const migrations: readonly Migration[] = [
  first,
  rampProgress,
  tokenOrigin,
  halts,
  evidenceTally,
  leader,
  brakePull,
  lastByte,
  checkInGaps,
  attemptsOfDevice,
  looking,
  tagChanges,
  pages,
  sessions,
  installation,
  people,
  roomForCheckIns,
  lease,
  controllers,
  changes,
  redirects,
];
