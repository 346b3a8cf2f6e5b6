/** Deletes what is too old: rows, and APKs that were never declared as a build. */
import type { Artifacts, DesiredStore, OutcomeStore } from '../ports/index.ts';

export async function prune(
  keep: { readonly eventsMs: number; readonly downloadsMs: number; readonly artifactsMs: number },
  store: { readonly outcomes: Pick<OutcomeStore, 'prune'>; readonly desired: Pick<DesiredStore, 'applied'> },
  artifacts: Pick<Artifacts, 'collect'>,
  nowMs: number,
): Promise<void> {
  await store.outcomes.prune(nowMs - keep.eventsMs, nowMs - keep.downloadsMs);
  const applied = await store.desired.applied();
  if (applied === undefined) return;
  const referenced = new Set(
    [...applied.state.builds.values(), ...applied.formerBuilds.values()].map(b => b.sha256),
  );
  await artifacts.collect(referenced, nowMs - keep.artifactsMs);
}
