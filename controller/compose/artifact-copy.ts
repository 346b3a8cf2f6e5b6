/**
 * `ota artifact copy`: turns the places on the command line into a folder or a bucket, with the settings of the
 * environment.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openBucket } from '../artifacts/bucket.ts';
import { type ApkPlace, bucketPlace, type CopiedApk, copyApks, folderPlace } from '../artifacts/copy.ts';
import { openDiskArtifacts } from '../artifacts/disk.ts';
import { Fault } from '../domain/fault.ts';
import type { Artifacts } from '../ports/index.ts';
import { readSettings } from '../settings/read.ts';
import { placeOf } from './artifacts.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ApkCopies {
  /** `from`, `to`: a folder of APKs, or `s3://bucket/prefix`. */
  copy(from: string, to: string, onCopied: (one: CopiedApk) => void): Promise<readonly CopiedApk[]>;
}

/** Copied APKs were judged when they were uploaded. */
const folderOf = (folder: string, nowMs: () => number): Promise<Artifacts> =>
  openDiskArtifacts({
    folder,
    quotaBytes: Number.MAX_SAFE_INTEGER,
    inspect: async () => undefined,
    nowMs,
  });

/** `cwd`: the base of relative folders. */
export const apkCopiesOf = (environment: Environment, cwd: string, nowMs: () => number): ApkCopies => ({
  copy: async (from, to, onCopied) => {
    if (!isBucket(from)) needFolder(path.resolve(cwd, from));
    const staging = await mkdtemp(path.join(tmpdir(), 'ota-apks-'));
    const opened: { close(): void }[] = [];
    const open = async (given: string, name: string): Promise<ApkPlace> => {
      if (!isBucket(given)) return folderPlace(await folderOf(path.resolve(cwd, given), nowMs));
      const place = placeOf(readSettings(bucketSettings(given, environment)));
      if (place === undefined) throw new Error('assertion: a bucket was read');
      const bucket = await openBucket(place);
      opened.push(bucket);
      return bucketPlace(bucket, await folderOf(path.join(staging, name), nowMs));
    };
    try {
      return await copyApks(await open(from, 'from'), await open(to, 'to'), onCopied);
    } finally {
      for (const bucket of opened) bucket.close();
      await rm(staging, { recursive: true, force: true });
    }
  },
});

const isBucket = (place: string): boolean => place.startsWith('s3:');

/** A source folder with a mistyped name is not created. */
function needFolder(folder: string): void {
  if (existsSync(folder)) return;
  throw new Fault('artifact_folder_missing', `--from: the folder ${folder} does not exist`, {
    retry: 'never',
  });
}

const bucketSettings = (
  OTA_ARTIFACTS: string,
  { OTA_ARTIFACTS_ENDPOINT, OTA_ARTIFACTS_REGION, OTA_ARTIFACTS_PATH_STYLE }: Environment,
): Environment => ({
  OTA_ARTIFACTS,
  OTA_ARTIFACTS_ENDPOINT,
  OTA_ARTIFACTS_REGION,
  OTA_ARTIFACTS_PATH_STYLE,
});
