/**
 * A full backup: one tar file with a manifest, a consistent copy of the database, the APKs or only their list, and the
 * keys if asked for. It is written while the controller runs, completely or not at all, and readable by its owner
 * alone.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  chmod,
  copyFile,
  link,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { create } from 'tar';
import { Fault } from '../domain/fault.ts';
import { backupFolder } from './backup.ts';
import { DATABASE_FILE } from './folder.ts';

export const MANIFEST_FILE = 'manifest.json';
export const KEY_FILES = ['token-key', 'nudge-key'] as const;
const APK = /^([0-9a-f]{64})\.apk$/;

export interface Manifest {
  readonly format: 1;
  readonly made_at: string;
  readonly database: { readonly sha256: string; readonly size_bytes: number };
  /** `included`: the file holds the APK itself, not only its name. */
  readonly artifacts: readonly {
    readonly sha256: string;
    readonly size_bytes: number;
    readonly included: boolean;
  }[];
  readonly keys: readonly string[];
}

interface FullBackupOptions {
  readonly withArtifacts: boolean;
  readonly withKeys: boolean;
  readonly nowMs: number;
}

/** Faults `backup_exists`, `backup_no_database`, `backup_no_folder`, `backup_no_key`, `disk_full`, `store_io`. */
export async function fullBackup(
  folder: string,
  toFile: string,
  { withArtifacts, withKeys, nowMs }: FullBackupOptions,
): Promise<Manifest> {
  await refuseExisting(toFile);
  // Collected beside the target, so that both are on one disk.
  const staging = await mkdtemp(`${toFile}.partial-`);
  try {
    const database = path.join(staging, DATABASE_FILE);
    await backupFolder(folder, database);
    const artifacts = await gatherArtifacts(path.join(folder, 'artifacts'), staging, withArtifacts);
    const keys = withKeys ? await gatherKeys(folder, staging) : [];
    const { size } = await stat(database);
    const manifest: Manifest = {
      format: 1,
      made_at: new Date(nowMs).toISOString(),
      database: { sha256: await hashOf(database), size_bytes: size },
      artifacts,
      keys,
    };
    await writeFile(path.join(staging, MANIFEST_FILE), `${JSON.stringify(manifest, undefined, 2)}\n`);
    const inner = path.join(staging, 'whole.tar');
    const names = (await readdir(staging)).filter(name => name !== MANIFEST_FILE);
    // The manifest is first, so that a reader knows what follows.
    await create({ file: inner, cwd: staging, portable: true }, [MANIFEST_FILE, ...names.sort()]);
    await chmod(inner, 0o600);
    await synced(inner);
    await rename(inner, toFile);
    await synced(path.dirname(toFile));
    return manifest;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function refuseExisting(toFile: string): Promise<void> {
  const there = await stat(toFile).then(
    () => true,
    () => false,
  );
  if (there)
    throw new Fault('backup_exists', `${toFile} exists and is not overwritten: choose another name`, {
      retry: 'never',
    });
  const folder = path.dirname(toFile);
  const known = await stat(folder).then(
    found => found.isDirectory(),
    () => false,
  );
  if (!known)
    throw new Fault('backup_no_folder', `the folder ${folder} does not exist: create it first`, {
      retry: 'never',
    });
}

async function gatherArtifacts(
  from: string,
  staging: string,
  included: boolean,
): Promise<Manifest['artifacts']> {
  const names = (await readdir(from).catch(() => [])).filter(name => APK.test(name)).sort();
  const into = path.join(staging, 'artifacts');
  if (included) await mkdir(into);
  const listed: Manifest['artifacts'][number][] = [];
  for (const name of names) {
    const file = path.join(from, name);
    if (included) await linkOrCopy(file, path.join(into, name));
    listed.push({ sha256: name.slice(0, 64), size_bytes: (await stat(file)).size, included });
  }
  return listed;
}

/** An APK never changes, so a hard link to it costs nothing. On another disk its bytes are copied. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}

async function gatherKeys(folder: string, staging: string): Promise<string[]> {
  await mkdir(path.join(staging, 'keys'), { mode: 0o700 });
  for (const name of KEY_FILES) {
    const text = await readFile(path.join(folder, name)).catch((cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'ENOENT' ? 'is not in the data folder (is it set as OTA_…_KEY?)' : 'cannot be read';
      throw new Fault(
        'backup_no_key',
        `${name} ${why}; leave out --with-keys and back up the key by itself`,
        {
          retry: 'never',
          cause,
        },
      );
    });
    await writeFile(path.join(staging, 'keys', name), text, { mode: 0o600 });
  }
  return [...KEY_FILES];
}

export async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

async function synced(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
