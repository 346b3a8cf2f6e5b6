/** `GET /v1/devices/{id}/explain?at=…`: what a device would have been offered at a past moment. */
import type * as Api from '../../../schemas/api.d.ts';
import { explain } from '../../domain/explain.ts';
import { agreed, type World } from '../../domain/past.ts';
import type { DeviceRow, Past } from '../../ports/index.ts';
import { isoTime } from '../iso-time.ts';
import { decisionOnWire } from './explain-view.ts';

/** Shows what all possible worlds agree on. The rest is null, and `not_known` gives the reason. */
export function pastOnWire(device: DeviceRow, past: Past, atMs: number): Api.PastExplanation {
  const { worlds } = past;
  const explained = ({ snapshot, device: then }: World) => explain(snapshot, then, atMs);
  const standing = standingOf(device, atMs);
  const decision =
    standing === 'enrolled' ? agreed(worlds, w => decisionOnWire(explained(w).decision)) : undefined;
  return {
    device_id: device.deviceId,
    at: isoTime(atMs),
    standing,
    revision: past.revision ?? null,
    applied_at: isoTime(past.appliedAtMs),
    tags: past.tags === undefined ? null : [...past.tags],
    installed:
      past.installed === undefined
        ? null
        : { version_code: past.installed.versionCode, said_at: isoTime(past.installed.atMs) },
    verdict:
      past.verdict === undefined
        ? null
        : { verdict: past.verdict.verdict, reasons: [...past.verdict.reasons] },
    bucket: agreed(worlds, w => explained(w).bucket) ?? null,
    percent: agreed(worlds, w => explained(w).percent) ?? null,
    canary: agreed(worlds, w => explained(w).canary) ?? null,
    decision: decision ?? null,
    steps: standing === 'enrolled' ? stepsIn(worlds, explained) : [],
    not_known: [...past.notKnown],
  };
}

/** For a device that was erased and enrolled again, only its newest enrolment is known. */
function standingOf({ enrolledAtMs, revokedAtMs }: DeviceRow, atMs: number): Api.PastExplanation['standing'] {
  if (enrolledAtMs > atMs) return 'not_enrolled';
  return revokedAtMs !== undefined && revokedAtMs <= atMs ? 'revoked' : 'enrolled';
}

/** The steps with the same finding in every world, in the order of the decision. */
function stepsIn(
  worlds: readonly World[],
  explained: (world: World) => { readonly steps: readonly Api.ExplainedStep[] },
): Api.ExplainedStep[] {
  const [first, ...rest] = worlds.map(w => explained(w).steps);
  if (first === undefined) return [];
  const same = (step: Api.ExplainedStep, other: readonly Api.ExplainedStep[]): boolean =>
    other.some(o => JSON.stringify(o) === JSON.stringify(step));
  return first.filter(step => rest.every(other => same(step, other)));
}
