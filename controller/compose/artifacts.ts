/** Where APKs are stored: the data folder, or a bucket with copies in the data folder. */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type BucketPlace, openBucket } from '../artifacts/bucket.ts';
import { openDiskArtifacts } from '../artifacts/disk.ts';
import { importFolder } from '../artifacts/import-folder.ts';
import { inspectApk } from '../artifacts/inspect.ts';
import { type ObjectStore, openObjectStore } from '../artifacts/object-store.ts';
import { openTombstones } from '../artifacts/tombstones.ts';
import { Fault } from '../domain/fault.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Artifacts } from '../ports/index.ts';
import type { Settings } from '../settings/settings.ts';
import type { Foundation } from './foundation.ts';

const MEGABYTE = 1_048_576;

interface StoredApks {
  readonly artifacts: Artifacts;
  /** Undefined if APKs are only in the data folder. */
  readonly objectStore: ObjectStore | undefined;
}

/** Opens the store and, if configured, fills it from a folder. A bad APK is reported and does not stop the others. */
export async function openArtifacts(foundation: Foundation): Promise<StoredApks> {
  const { settings } = foundation;
  const folder = folderOf(settings);
  const local = await openDiskArtifacts({
    folder,
    quotaBytes: settings.OTA_ARTIFACT_QUOTA_MB * MEGABYTE,
    inspect: (file, sha256) => inspectApk(file, () => isDeclared(foundation, sha256)),
    nowMs: foundation.nowMs,
  });
  const place = placeOf(settings);
  await proveShared(foundation);
  const objectStore = place === undefined ? undefined : await inBucket(foundation, place, local);
  const artifacts = objectStore ?? local;
  if (settings.OTA_ARTIFACTS_IMPORT !== undefined && foundation.store.leads)
    await importFrom(foundation, artifacts, settings.OTA_ARTIFACTS_IMPORT);
  return { artifacts, objectStore };
}

const folderOf = ({ OTA_ARTIFACTS: given, OTA_DATA }: Settings): string =>
  given?.kind === 'folder' ? given.folder : path.join(OTA_DATA, 'artifacts');

async function isDeclared({ store }: Foundation, sha256: Sha256): Promise<boolean> {
  const applied = await store.desired.applied();
  const builds = [...(applied?.state.builds.values() ?? []), ...(applied?.formerBuilds.values() ?? [])];
  return builds.some(build => build.sha256 === sha256);
}

/** Undefined if APKs are in a folder. */
export function placeOf(
  settings: Pick<
    Settings,
    'OTA_ARTIFACTS' | 'OTA_ARTIFACTS_ENDPOINT' | 'OTA_ARTIFACTS_REGION' | 'OTA_ARTIFACTS_PATH_STYLE'
  >,
): BucketPlace | undefined {
  const { OTA_ARTIFACTS: given } = settings;
  if (given?.kind !== 'bucket') return undefined;
  const { bucket, prefix } = given;
  return {
    bucket,
    prefix,
    endpoint: settings.OTA_ARTIFACTS_ENDPOINT,
    region: settings.OTA_ARTIFACTS_REGION,
    pathStyle: settings.OTA_ARTIFACTS_PATH_STYLE,
  };
}

const MARKER = '.shared';
const MARKER_KEY = 'artifacts.marker';

/**
 * Controllers of one database must serve the same APKs. The leader writes a random word to its folder, and the others
 * check that theirs holds the same word. Fault `artifacts_not_shared`.
 */
async function proveShared({ settings, store }: Pick<Foundation, 'settings' | 'store'>): Promise<void> {
  if (store.feed === undefined || settings.OTA_ARTIFACTS?.kind === 'bucket') return;
  if (!store.leads) return checkShared({ settings, store });
  const word = randomUUID();
  await writeFile(path.join(folderOf(settings), MARKER), word, { mode: 0o600 });
  await store.leaderValues.set(MARKER_KEY, word);
}

/** Also at a takeover: a controller whose shared folder is gone must not lead. Fault `artifacts_not_shared`. */
export async function checkShared({
  settings,
  store,
}: Pick<Foundation, 'settings' | 'store'>): Promise<void> {
  if (store.feed === undefined || settings.OTA_ARTIFACTS?.kind === 'bucket') return;
  const folder = folderOf(settings);
  const file = path.join(folder, MARKER);
  const found = await readFile(file, 'utf8').catch(() => undefined); // told below
  if (found !== undefined && found === (await store.keyValues.get(MARKER_KEY))) return;
  throw new Fault(
    'artifacts_not_shared',
    `the APKs of the other controllers are not in ${folder}: set OTA_ARTIFACTS on all of them to one bucket, or to one folder that they share`,
    { retry: 'backoff' },
  );
}

async function inBucket(foundation: Foundation, place: BucketPlace, copies: Artifacts): Promise<ObjectStore> {
  const { settings, store, runtime, nowMs, cleanup } = foundation;
  const { observe } = runtime.observer;
  const bucket = await openBucket(place);
  cleanup.add(() => bucket.close());
  const tombstones = await openTombstones(store.keyValues, nowMs);
  store.feed?.subscribe(async topics => {
    if (topics.has('tombstones')) await tombstones.refresh();
  });
  return openObjectStore({
    bucket,
    copies,
    tombstones,
    leads: () => store.leads,
    quotaBytes: settings.OTA_ARTIFACT_QUOTA_MB * MEGABYTE,
    owner: await store.installation.id(),
    monotonicMs: runtime.monotonicMs,
    onRepaired: (sha256, bytes) => observe({ type: 'ota.artifact.repaired', sha256, bytes, actor: 'copy' }),
  });
}

async function importFrom(
  { settings, runtime }: Foundation,
  artifacts: Artifacts,
  folder: string,
): Promise<void> {
  const { observe } = runtime.observer;
  const imported = await importFolder(artifacts, folder, settings.OTA_ARTIFACT_MAX_MB * MEGABYTE);
  for (const { sha256, sizeBytes, result } of imported) {
    if (result === 'present') continue;
    const about = { sha256, bytes: sizeBytes, actor: 'import' };
    if (result === 'stored') observe({ type: 'ota.artifact.stored', ...about });
    else if (result === 'repaired') observe({ type: 'ota.artifact.repaired', ...about });
    else observe({ type: 'ota.artifact.rejected', sha256, code: result.code, actor: 'import' });
  }
}
