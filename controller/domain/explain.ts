/** Explains the decision for one device: each step of SPEC §4 in words. Pure. */
import { bucketOf, thresholdOf } from './cohort.ts';
import {
  type Decision,
  type Device,
  decide,
  type HoldReason,
  isCanary,
  type Snapshot,
  targetFor,
} from './decision.ts';
import { isSuspended, percentAt } from './ramp/progress.ts';

export interface ExplainedStep {
  readonly step: 'suspend' | 'cohort' | 'target' | 'installed' | 'decision';
  readonly finding: string;
  readonly why: string;
}

export interface Explanation {
  readonly bucket: number;
  readonly threshold: number;
  readonly percent: number;
  readonly canary: boolean;
  readonly decision: Decision;
  readonly steps: readonly ExplainedStep[];
}

export const HOLD_WHY: Readonly<Record<HoldReason, string>> = {
  suspended: 'all offers are frozen',
  outside_cohort: 'the rollout has not reached this device',
  withdrawn: 'the build that it would get was withdrawn',
  incompatible_sdk: 'its Android version is older than the build requires',
  up_to_date: 'it already runs its target build',
  signer_mismatch: 'its installed app is signed with a key that is not in the lineage of the build',
  ahead: 'it runs a newer version, and the rollout does not force a downgrade for it',
  artifact_missing: 'the APK is missing from the artifact store',
  progress_unread: 'the controller has not been able to look at the gate for a minute',
};

const TARGET_WHY = {
  canary: 'current, because it is a canary',
  rollout: 'current, because the rollout has reached it',
  baseline: 'last_safe, because current is not offered to it',
  rollback: 'last_safe, because the rollout is rolled back',
} as const;

function cohortStep(
  snapshot: Snapshot,
  device: Device,
  { bucket, threshold, percent, canary }: Omit<Explanation, 'decision' | 'steps'>,
): ExplainedStep {
  const seed = snapshot.rollout.cohortSeed;
  const place = `bucket ${bucket} of 10000 (seed ${JSON.stringify(seed)}), threshold ${threshold} at ${percent} %`;
  if (!canary) return { step: 'cohort', finding: bucket < threshold ? 'exposed' : 'unexposed', why: place };
  return { step: 'cohort', finding: 'canary', why: whyCanary(snapshot, device) };
}

/** Lists every reason: to stop it being a canary, all of them must be removed. */
function whyCanary({ rollout, state }: Snapshot, { deviceId, tags }: Device): string {
  const reasons = (
    where: string,
    names: { readonly devices: readonly string[]; readonly tags: readonly string[] },
  ): string[] => [
    ...(names.devices.includes(deviceId) ? [`listed in ${where}`] : []),
    ...tags.filter(tag => names.tags.includes(tag)).map(tag => `tagged ${tag}, which is in ${where}`),
  ];
  const cohorts = rollout.canary.cohorts.flatMap(name => {
    const cohort = state.cohorts.get(name);
    return cohort === undefined ? [] : reasons(`cohorts/${name}.yaml`, cohort);
  });
  return [...reasons('the canaries of rollout.yaml', rollout.canary), ...cohorts].join('; ');
}

function targetStep(snapshot: Snapshot, device: Device, nowMs: number): ExplainedStep {
  const target = targetFor(snapshot, device, nowMs);
  if (target.kind === 'hold') return { step: 'target', finding: 'none', why: HOLD_WHY[target.reason] };
  return { step: 'target', finding: target.build.buildId, why: TARGET_WHY[target.eligibleBy] };
}

function decisionStep(decision: Decision): ExplainedStep {
  if (decision.kind === 'hold')
    return { step: 'decision', finding: decision.reason, why: HOLD_WHY[decision.reason] };
  const forced = decision.forceDowngrade ? ', as a forced downgrade' : '';
  return {
    step: 'decision',
    finding: 'offer',
    why: `${decision.build.buildId} by ${decision.eligibleBy}${forced}`,
  };
}

function suspendStep({ rollout, isStale }: Snapshot, nowMs: number): ExplainedStep {
  const step = 'suspend';
  if (isStale === true)
    return { step, finding: 'suspended', why: 'the controller has not reached its database for too long' };
  if (!isSuspended(rollout, nowMs))
    return { step, finding: 'not suspended', why: 'the rollout is not suspended' };
  const until = rollout.suspend === undefined ? '' : new Date(rollout.suspend.untilMs).toISOString();
  return { step, finding: 'suspended', why: `${rollout.suspend?.reason ?? ''}, until ${until}` };
}

export function explain(snapshot: Snapshot, device: Device, nowMs: number): Explanation {
  const { rollout } = snapshot;
  const percent = percentAt(rollout, snapshot.progress);
  const facts = {
    bucket: bucketOf(device.deviceId, rollout.cohortSeed),
    threshold: thresholdOf(percent),
    percent,
    canary: isCanary(snapshot, device),
  };
  const decision = decide(snapshot, device, nowMs);
  const suspend = suspendStep(snapshot, nowMs);
  if (suspend.finding === 'suspended')
    return { ...facts, decision, steps: [suspend, decisionStep(decision)] };
  const installed = snapshot.buildsByCode.get(device.versionCode);
  const never = device.versionCode === 0;
  const runs: ExplainedStep = {
    step: 'installed',
    finding: installed?.buildId ?? (never ? 'unknown' : 'undeclared'),
    why: never ? 'it has not reported a version yet' : `it last reported version_code ${device.versionCode}`,
  };
  const steps = [
    suspend,
    cohortStep(snapshot, device, facts),
    targetStep(snapshot, device, nowMs),
    runs,
    decisionStep(decision),
  ];
  return { ...facts, decision, steps };
}
