/** Counts once a minute why devices do not run `current`. Readers get the last count. */
import type { Snapshot } from '../domain/decision.ts';
import type { CountedTroubles, OutcomeStore, TroubleSource } from '../ports/index.ts';

export interface TroubleWatch extends TroubleSource {
  /** Called by a timer and after each publish. */
  look(): Promise<void>;
}

export function watchTroubles(options: {
  readonly picture: () => Snapshot | undefined;
  readonly outcomes: Pick<OutcomeStore, 'troubles'>;
  readonly nowMs: () => number;
}): TroubleWatch {
  let last: CountedTroubles | undefined;
  let under: Promise<void> | undefined;

  async function count(): Promise<void> {
    const snapshot = options.picture();
    if (snapshot === undefined) return;
    const { buildId, versionCode } = snapshot.current;
    const troubles = await options.outcomes.troubles({ buildId, versionCode });
    last = { buildId, atMs: options.nowMs(), troubles };
  }

  return {
    last: buildId => (last?.buildId === buildId ? last : undefined),
    look: () => {
      under ??= count().finally(() => {
        under = undefined;
      });
      return under;
    },
  };
}
