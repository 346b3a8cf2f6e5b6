/** The progress of the fleet, in answers to operators. */
import type * as Api from '../../../schemas/api.d.ts';
import { GOAL, hasArrived, subjectOf, waitsOf } from '../../domain/progress.ts';
import type { Counted, OutcomeCounts } from '../../ports/index.ts';
import { isoTime } from '../iso-time.ts';

export const resultsOnWire = (results: OutcomeCounts): Api.Results => ({
  ok: results.ok,
  confirmed: results.confirmed,
  fail: results.fail,
  deferred: results.deferred,
  skipped: results.skipped,
  verify_fail: results.verifyFail,
  reasons: [...results.reasons],
});

/** `results`: those of the target build since the revision was applied. */
export function progressOnWire(
  { picture, atMs, progress }: Counted,
  results: OutcomeCounts,
  activeWithinMs: number,
): Api.Progress {
  const { buildId, kind } = subjectOf(picture);
  const arrived = hasArrived(picture);
  const waits = waitsOf(kind, progress, arrived, GOAL);
  return {
    revision: picture.revision,
    build_id: buildId,
    kind: kind === 'rollback' ? 'rollback' : 'rollout',
    counted_at: isoTime(atMs),
    active_window_s: activeWithinMs / 1000,
    exposed: progress.exposed,
    seen: progress.seen,
    offered: progress.offered,
    running: progress.running,
    waiting: progress.waiting,
    held: progress.held.map(h => ({ reason: h.reason, devices: h.devices })),
    staying: progress.staying,
    canaries: {
      declared_devices: picture.canaryDevices.size,
      declared_tags: [...picture.canaryTags].sort(),
      ...progress.canaries,
    },
    waiting_devices: [...progress.named.waiting],
    unseen_devices: [...progress.named.unseen],
    results: resultsOnWire(results),
    last_step: arrived,
    done: waits.length === 0,
    waits_for: waits.map(wait => ({
      what: wait.for,
      have: 'have' in wait ? wait.have : null,
      need: 'need' in wait ? wait.need : null,
    })),
  };
}
