/** Whether an offered build is for this device (SPEC §9). */
import { bucketOf, isExposed } from '../../controller/domain/cohort.ts';
import type { ResultReason } from '../../controller/domain/outcome.ts';
import type { Offer } from '../offer.ts';
import type { AgentState, Attempt } from '../state.ts';

/** True if the running version shows that an install with a lost answer succeeded. */
export const installedItself = (attempt: Attempt, runningVersionCode: number): boolean =>
  attempt.installTries > 0 && attempt.offer.versionCode === runningVersionCode;

/** Why the offered build is not for this device now; undefined if it is. */
export function ineligible(
  state: AgentState,
  offer: Offer,
  installedVersionCode: number,
): Extract<ResultReason, 'already_installed' | 'downgrade_refused' | 'outside_cohort'> | undefined {
  if (offer.versionCode === installedVersionCode) return 'already_installed';
  if (offer.versionCode < installedVersionCode && !offer.forceDowngrade) return 'downgrade_refused';
  const exposed = isExposed(bucketOf(state.deviceId, offer.cohortSeed), offer.stagedRolloutPercent);
  return exposed ? undefined : 'outside_cohort';
}
