/** Deletes old rows, and old APKs that nothing references. */
import type { Sha256 } from '../domain/ids.ts';
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

/** Copies of the APKs in a bucket, on this controller's disk. */
export interface CopyStore {
  removeStray(keep: ReadonlySet<Sha256>, storedBeforeMs: number): Promise<void>;
}

/** For a controller that does not lead: it deletes nothing but its own copies. */
export async function pruneCopies(
  artifactsMs: number,
  copies: CopyStore,
  named: ArtifactUseSource,
  nowMs: number,
): Promise<void> {
  const uses = await named.uses();
  if (uses !== undefined) await copies.removeStray(new Set(uses.keys()), nowMs - artifactsMs);
}
