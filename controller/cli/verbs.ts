/** Every verb, in the order in which the help shows them. */

import type { Proposals } from '../ports/index.ts';
import { artifact } from './artifact.ts';
import { type Backups, backup } from './backup.ts';
import { brake, resume } from './brake.ts';
import { build } from './build.ts';
import { canary } from './canary.ts';
import { clock } from './clock.ts';
import { device } from './device.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { failures } from './failures.ts';
import { history } from './history.ts';

import { init } from './init/index.ts';

import { notify } from './notify.ts';

import { plan } from './plan.ts';
import { policy } from './policy.ts';
import type { Verb } from './program.ts';
import { promote } from './promote.ts';
import { ramp } from './ramp.ts';
import { reconcile } from './reconcile.ts';
import { rehearse } from './rehearse.ts';
import { restore } from './restore.ts';
import { rollback } from './rollback.ts';
import { rollout } from './rollout.ts';
import { schema } from './schema.ts';
import { simulate } from './simulate.ts';
import { status } from './status.ts';
import { suspend, unsuspend } from './suspend.ts';
import { token } from './token.ts';
import { validate } from './validate.ts';
import { withdraw } from './withdraw.ts';

export interface Wiring {
  /** Absent: `--open-pr` is refused with what to do instead. */
  readonly proposals: Proposals | undefined;
  readonly backups: Backups;
}

export const allVerbs = ({ proposals, backups }: Wiring): readonly Verb[] => [
  init,
  validate,
  plan,
  rehearse,
  promote(proposals),
  rollout(proposals),
  rollback(proposals),
  ramp(proposals),
  canary(proposals),
  suspend(proposals),
  unsuspend(proposals),
  withdraw(proposals),
  policy(proposals),
  brake,
  resume,
  status,
  history,
  failures,
  explain,
  build,
  artifact,
  device,
  token,
  simulate,
  reconcile,
  schema,
  notify,
  clock,
  doctor,
  backup(backups),
  restore(backups),
];
