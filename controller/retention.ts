/** What is deleted after its time: old rows, and APKs that no build was ever declared for. */
import type { Settings } from './config.ts';
import type { Artifacts, DesiredStore, OutcomeStore } from './ports.ts';

const UNREFERENCED_MS = 30 * 86_400_000;

export async function prune(
  settings: Pick<Settings, 'OTA_RETENTION_EVENTS' | 'OTA_RETENTION_DOWNLOADS'>,
  store: { readonly outcomes: Pick<OutcomeStore, 'prune'>; readonly desired: Pick<DesiredStore, 'applied'> },
  artifacts: Pick<Artifacts, 'collect'>,
  nowMs: number,
): Promise<void> {
  await store.outcomes.prune(nowMs - settings.OTA_RETENTION_EVENTS, nowMs - settings.OTA_RETENTION_DOWNLOADS);
  const applied = await store.desired.applied();
  if (applied === undefined) return;
  const keep = new Set(
    [...applied.state.builds.values(), ...applied.formerBuilds.values()].map(b => b.sha256),
  );
  await artifacts.collect(keep, nowMs - UNREFERENCED_MS);
}
