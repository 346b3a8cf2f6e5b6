/** Where APKs are stored: the data folder, or a bucket with copies in the data folder. */
import path from 'node:path';
import { type BucketPlace, openBucket } from '../artifacts/bucket.ts';
import { openDiskArtifacts } from '../artifacts/disk.ts';
import { importFolder } from '../artifacts/import-folder.ts';
import { inspectApk } from '../artifacts/inspect.ts';
import { type ObjectStore, openObjectStore } from '../artifacts/object-store.ts';
import { openTombstones } from '../artifacts/tombstones.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Artifacts } from '../ports/index.ts';
import type { Settings } from '../settings/settings.ts';
import type { Ground } from './ground.ts';

const MEGABYTE = 1_048_576;

export interface StoredApks {
  readonly artifacts: Artifacts;
  /** Undefined where APKs lie in the data folder alone. */
  readonly objectStore: ObjectStore | undefined;
}

/** Opens the store and, when configured, fills it from a folder. A bad APK is reported and stops no other. */
export async function openArtifacts(ground: Ground): Promise<StoredApks> {
  const { settings } = ground;
  const local = await openDiskArtifacts({
    folder: path.join(settings.OTA_DATA, 'artifacts'),
    quotaBytes: settings.OTA_ARTIFACT_QUOTA_MB * MEGABYTE,
    inspect: (file, sha256) => inspectApk(file, () => isDeclared(ground, sha256)),
    nowMs: ground.nowMs,
  });
  const place = placeOf(settings);
  const objectStore = place === undefined ? undefined : await inBucket(ground, place, local);
  const artifacts = objectStore ?? local;
  if (settings.OTA_ARTIFACTS_IMPORT !== undefined)
    await importFrom(ground, artifacts, settings.OTA_ARTIFACTS_IMPORT);
  return { artifacts, objectStore };
}

async function isDeclared({ store }: Ground, sha256: Sha256): Promise<boolean> {
  const applied = await store.desired.applied();
  const builds = [...(applied?.state.builds.values() ?? []), ...(applied?.formerBuilds.values() ?? [])];
  return builds.some(build => build.sha256 === sha256);
}

const placeOf = (settings: Settings): BucketPlace | undefined =>
  settings.OTA_ARTIFACTS && {
    ...settings.OTA_ARTIFACTS,
    endpoint: settings.OTA_ARTIFACTS_ENDPOINT,
    region: settings.OTA_ARTIFACTS_REGION,
    pathStyle: settings.OTA_ARTIFACTS_PATH_STYLE,
  };

async function inBucket(ground: Ground, place: BucketPlace, copies: Artifacts): Promise<ObjectStore> {
  const { settings, store, around, nowMs, ends } = ground;
  const { observe } = around.observer;
  const bucket = await openBucket(place);
  ends.add(() => bucket.close());
  return openObjectStore({
    bucket,
    copies,
    tombstones: await openTombstones(store.keyValues, nowMs),
    quotaBytes: settings.OTA_ARTIFACT_QUOTA_MB * MEGABYTE,
    owner: await store.installation.id(),
    monotonicMs: around.monotonicMs,
    onRepaired: (sha256, bytes) => observe({ type: 'ota.artifact.repaired', sha256, bytes, actor: 'copy' }),
  });
}

async function importFrom({ settings, around }: Ground, artifacts: Artifacts, folder: string): Promise<void> {
  const { observe } = around.observer;
  const imported = await importFolder(artifacts, folder, settings.OTA_ARTIFACT_MAX_MB * MEGABYTE);
  for (const { sha256, sizeBytes, result } of imported) {
    if (result === 'present') continue;
    const about = { sha256, bytes: sizeBytes, actor: 'import' };
    if (result === 'stored') observe({ type: 'ota.artifact.stored', ...about });
    else if (result === 'repaired') observe({ type: 'ota.artifact.repaired', ...about });
    else observe({ type: 'ota.artifact.rejected', sha256, code: result.code, actor: 'import' });
  }
}
