/** Reads the row of the running ramp when the process starts. */
import type { Observe } from '../domain/event.ts';
import { rampRow } from '../domain/past.ts';
import { standingOnceApplied } from '../domain/ramp/begin.ts';
import { percentAt, type RampProgress, rampOf } from '../domain/ramp/progress.ts';
import type { Applied, Clock, RampStore } from '../ports/index.ts';
import type { FormerHaltWatch } from './former-halts.ts';

interface RampRowOptions {
  readonly ramps: RampStore;
  readonly clock: Clock & { readonly held: boolean };
  readonly observe: Observe;
  readonly haltUntilKnown: FormerHaltWatch['haltUntilKnown'];
}

/**
 * The stored progress of the running ramp. If its row was lost, its earlier progress is unknown. The ramp then begins again
 * at its first step, at its declared start or now, whichever is later.
 */
export async function resumeRamp(
  applied: Applied,
  options: RampRowOptions,
): Promise<RampProgress | undefined> {
  const { rollout } = applied.state;
  if (rampOf(rollout) === undefined || applied.progress !== undefined) return applied.progress;
  const nowMs = options.clock.nowMs();
  const { progress } = standingOnceApplied(undefined, applied.state, {
    nowMs,
    clockHeld: options.clock.held,
  });
  if (progress === undefined) return undefined;
  // Asks before the row exists, so that it asks again after a crash in between.
  await options.haltUntilKnown(applied);
  const percent = progress.step < 0 ? undefined : percentAt(rollout, progress);
  const buildId = rollout.current;
  await options.ramps.keep(
    { buildId, progress, percent, decidedAtMs: nowMs, decidedBy: 'ramp' },
    [
      {
        atMs: nowMs,
        actor: 'ramp',
        action: 'ramp.restart',
        subject: buildId,
        detail: {
          revision: applied.revision,
          why: 'the store has no row of this ramp',
          ramp: rampRow(progress),
        },
      },
    ],
    [],
  );
  options.observe({ type: 'ota.ramp.restart', revision: applied.revision, buildId });
  return progress;
}
