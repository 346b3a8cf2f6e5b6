/** Reads the row of the running ramp when the process starts. */
import type { Observe } from '../domain/event.ts';
import { rampRow } from '../domain/past.ts';
import { standAfter } from '../domain/ramp/begin.ts';
import { percentAt, type RampProgress, rampOf } from '../domain/ramp/progress.ts';
import type { Applied, Clock, RampStore } from '../ports/index.ts';
import type { FormerHaltWatch } from './former-halts.ts';

interface RampRowOptions {
  readonly ramps: RampStore;
  readonly clock: Clock & { readonly held: boolean };
  readonly observe: Observe;
  readonly doubt: FormerHaltWatch['doubt'];
}

/**
 * The stored progress of the running ramp. If its row was lost, the ramp begins again at its first step, at the later of
 * its written start and now: how far it had come is not known, and nothing is guessed.
 */
export async function resumeRamp(
  applied: Applied,
  options: RampRowOptions,
): Promise<RampProgress | undefined> {
  const { rollout } = applied.state;
  if (rampOf(rollout) === undefined || applied.progress !== undefined) return applied.progress;
  const nowMs = options.clock.nowMs();
  const { progress } = standAfter(undefined, applied.state, { nowMs, clockHeld: options.clock.held });
  if (progress === undefined) return undefined;
  // Before the row is there: a crash in between asks again.
  await options.doubt(applied);
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
