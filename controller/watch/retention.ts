/** Deletes old rows, and old APKs that nothing references. */
import type { Artifacts, ArtifactUseSource, OutcomeStore } from '../ports/index.ts';

export async function prune(
  keep: { readonly eventsMs: number; readonly downloadsMs: number; readonly artifactsMs: number },
  store: { readonly outcomes: Pick<OutcomeStore, 'prune'>; readonly requireLead: () => Promise<void> },
  artifacts: Pick<Artifacts, 'collect'>,
  named: ArtifactUseSource,
  nowMs: number,
): Promise<void> {
  await store.outcomes.prune(nowMs - keep.eventsMs, nowMs - keep.downloadsMs);
  const uses = await named.uses();
  if (uses !== undefined)
    // A leader that was paused since must not delete by what it knew before.
    await artifacts.collect(new Set(uses.keys()), nowMs - keep.artifactsMs, store.requireLead);
}
