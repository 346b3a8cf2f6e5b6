/**
 * Turns a full backup into a data folder again. First the whole file is verified (`checkBackup` does only that). Then
 * the database is changed, so that nothing issued since the backup becomes valid again by accident (SPEC §6).
 */
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Knex } from 'knex';
import { extract } from 'tar';
import { DAY_MS } from '../domain/duration.ts';
import { Fault } from '../domain/fault.ts';
import { hashOf, KEY_FILES, MANIFEST_FILE, type Manifest } from './archive.ts';
import { faulted } from './faults.ts';
import { DATABASE_FILE, prepareFolder } from './folder.ts';
import { ADOPT_KEY, BASE_KEY, GENERATION_STEP } from './generations.ts';
import { migrations } from './migrations/index.ts';
import { openKnex } from './sqlite.ts';
import { openStore, type Store } from './store.ts';

/** How long a device may bring a newer token that it got after the backup. */
const ADOPT_MS = 30 * DAY_MS;
const ADMIN_MS = 30 * DAY_MS;

/** The contents of the file, after all of it was verified. */
export interface CheckedBackup {
  readonly madeAt: string;
  readonly devices: number;
  readonly revision: string | undefined;
  readonly artifacts: number;
  /** APKs that the manifest lists but the file does not hold. */
  readonly missing: readonly { readonly sha256: string; readonly buildId: string | undefined }[];
  readonly keys: readonly string[];
}

/** The function of `node:crypto`, passed in. */
type RandomBytes = (size: number) => Buffer;

interface Restored extends CheckedBackup {
  /** A new token of scope `admin`: all others are revoked. Shown once. */
  readonly adminToken: string;
}

const broken = (what: string, cause?: unknown): Fault =>
  new Fault('backup_broken', `the backup cannot be used: ${what}`, { retry: 'never', cause });

/** Verifies a backup and changes nothing. Faults `backup_broken`, `schema_newer`, `backup_missing`. */
export async function checkBackup(file: string, scratch: string): Promise<CheckedBackup> {
  const folder = await mkdtemp(path.join(scratch, 'ota-check-'));
  try {
    return await unpacked(file, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Also has the Fault `restore_exists`: a data folder with a database is never overwritten. */
export async function restoreBackup(
  file: string,
  folder: string,
  nowMs: number,
  random: RandomBytes,
): Promise<Restored> {
  const there = await stat(path.join(folder, DATABASE_FILE)).then(
    () => true,
    () => false,
  );
  if (there)
    throw new Fault(
      'restore_exists',
      `${folder} holds a database already: stop the controller and move the folder away first`,
      { retry: 'never' },
    );
  await prepareFolder(folder);
  const unpack = await mkdtemp(path.join(folder, '.restore-'));
  try {
    const checked = await unpacked(file, unpack);
    await moveIn(unpack, folder, checked);
    const adminToken = await afterRestore(folder, nowMs, checked, random);
    return { ...checked, adminToken };
  } finally {
    await rm(unpack, { recursive: true, force: true });
  }
}

async function unpacked(file: string, into: string): Promise<CheckedBackup> {
  if (
    !(await stat(file).then(
      f => f.isFile(),
      () => false,
    ))
  )
    throw new Fault('backup_missing', `the file ${file} does not exist`, { retry: 'never' });
  try {
    await extract({
      file,
      cwd: into,
      strict: true,
      // Accepts only what a backup contains: no links, no other paths.
      filter: (name, entry) => isOurs(name) && 'type' in entry && ['File', 'Directory'].includes(entry.type),
    });
  } catch (cause) {
    throw broken('it is not a tar file, or a part of it is missing', cause);
  }
  const manifest = await readManifest(into);
  const database = path.join(into, DATABASE_FILE);
  if ((await hashOrNone(database)) !== manifest.database.sha256) throw broken('the database is damaged');
  const absent: string[] = [];
  for (const { sha256, included } of manifest.artifacts)
    if (!included) absent.push(sha256);
    else if ((await hashOrNone(path.join(into, 'artifacts', `${sha256}.apk`))) !== sha256)
      throw broken(`the APK ${sha256} is damaged`);
  for (const key of manifest.keys)
    if ((await hashOrNone(path.join(into, 'keys', key))) === undefined)
      throw broken(`the key ${key} is missing`);
  const { buildIds, ...facts } = await factsOf(database);
  const { made_at: madeAt, keys } = manifest;
  const missing = absent.map(sha256 => ({ sha256, buildId: buildIds.get(sha256) }));
  return { madeAt, ...facts, artifacts: manifest.artifacts.length - missing.length, missing, keys };
}

const isOurs = (name: string): boolean =>
  /^(manifest\.json|ota\.db|artifacts\/?|artifacts\/[0-9a-f]{64}\.apk|keys\/?|keys\/(token|nudge)-key)$/.test(
    name.replace(/^\.\//, ''),
  );

const hashOrNone = (file: string): Promise<string | undefined> => hashOf(file).catch(() => undefined);

async function readManifest(folder: string): Promise<Manifest> {
  try {
    const read = JSON.parse(await readFile(path.join(folder, MANIFEST_FILE), 'utf8')) as Manifest;
    const known = KEY_FILES as readonly string[];
    if (read.format !== 1 || !Array.isArray(read.artifacts) || !read.keys.every(k => known.includes(k)))
      throw new TypeError('unknown format');
    if (!read.artifacts.every(a => /^[0-9a-f]{64}$/.test(a.sha256)))
      throw new TypeError('an APK has no hash');
    return read;
  } catch (cause) {
    throw broken('its manifest cannot be read', cause);
  }
}

type DatabaseFacts = Pick<CheckedBackup, 'devices' | 'revision'> & {
  /** By the SHA-256 of their APK. */
  readonly buildIds: ReadonlyMap<string, string>;
};

async function factsOf(database: string): Promise<DatabaseFacts> {
  const db = openKnex(database, ['query_only = ON'], 1);
  try {
    return await faulted(async () => {
      const rows = (await db.raw('PRAGMA integrity_check')) as { integrity_check: string }[];
      if (rows[0]?.integrity_check !== 'ok') throw broken('the database is damaged');
      const known = new Set(migrations.map(m => m.name));
      const foreign = (await db('schema_migrations').pluck('name')).filter(name => !known.has(name));
      if (foreign.length > 0)
        throw new Fault('schema_newer', `the backup was made by a newer version (${foreign.join(', ')})`, {
          retry: 'never',
        });
      const count = await db('devices').count<{ devices: number }[]>({ devices: '*' }).first();
      const row = await db<{ revision: string }>('desired').first('revision');
      const builds = await db<{ build_id: string; facts: string }>('builds').select('build_id', 'facts');
      const buildIds = new Map(
        builds.map(b => [(JSON.parse(b.facts) as { sha256: string }).sha256, b.build_id]),
      );
      return { devices: count?.devices ?? 0, revision: row?.revision, buildIds };
    });
  } finally {
    await db.destroy();
  }
}

/** Moves the database last: a folder without one does not count as a data folder. */
async function moveIn(from: string, folder: string, { keys, artifacts }: CheckedBackup): Promise<void> {
  const stored = path.join(folder, 'artifacts');
  await mkdir(stored, { recursive: true, mode: 0o700 });
  if (artifacts > 0) {
    const { artifacts: listed } = await readManifest(from);
    for (const { sha256, included } of listed)
      if (included)
        await rename(path.join(from, 'artifacts', `${sha256}.apk`), path.join(stored, `${sha256}.apk`));
  }
  for (const key of keys) {
    await copyFile(path.join(from, 'keys', key), path.join(folder, key));
    await chmod(path.join(folder, key), 0o600);
  }
  await rename(path.join(from, DATABASE_FILE), path.join(folder, DATABASE_FILE));
  await chmod(path.join(folder, DATABASE_FILE), 0o600);
}

async function afterRestore(
  folder: string,
  nowMs: number,
  checked: CheckedBackup,
  random: RandomBytes,
): Promise<string> {
  // Opening it first migrates it to this binary's schema.
  const store = await openStore({ folder, nowMs: () => nowMs });
  try {
    await pressBrake(store, nowMs);
  } finally {
    await store.close();
  }
  const adminToken = `ota_admin_${random(32).toString('base64url')}`;
  const db = openKnex(path.join(folder, DATABASE_FILE), ['synchronous = FULL', 'foreign_keys = ON'], 1);
  try {
    await faulted(() =>
      db.transaction(async trx => {
        await replaceAdmins(trx, adminToken, nowMs);
        await raiseGenerations(trx, nowMs);
        // Effects that were pending in the backup are done by now, or out of date.
        await trx('outbox').where({ topic: 'nudge' }).orWhere('topic', 'like', 'notify:%').delete();
        const detail = JSON.stringify({ made_at: checked.madeAt, revision: checked.revision });
        const subject = checked.revision ?? 'empty';
        await trx('audit').insert({ at_ms: nowMs, actor: 'ota restore', action: 'restore', subject, detail });
      }),
    );
  } finally {
    await db.destroy();
  }
  return adminToken;
}

/** Halts and verdicts since the backup are unknown, so `current` is offered to nobody until an operator has checked. */
async function pressBrake({ desired, halts }: Store, nowMs: number): Promise<void> {
  const applied = await desired.applied();
  if (applied === undefined) return;
  const buildId = applied.state.rollout.current;
  if ((await halts.standing(buildId)).some(halt => halt.kind === 'hand')) return;
  const reason = 'restored from a backup';
  const by = 'ota restore';
  await halts.press({ buildId, kind: 'hand', mode: 'halt', atMs: nowMs, by, reason, evidence: null }, []);
}

async function replaceAdmins(trx: Knex, token: string, nowMs: number): Promise<void> {
  await trx('admin_tokens').whereNull('revoked_at_ms').update({ revoked_at_ms: nowMs });
  await trx('sessions').delete();
  await trx('admin_tokens').insert({
    name: `restored-${new Date(nowMs).toISOString().replace(/\D/g, '').slice(0, 14)}`,
    token_sha256: createHash('sha256').update(token).digest('hex'),
    scopes: JSON.stringify(['admin']),
    expires_at_ms: nowMs + ADMIN_MS,
    revoked_at_ms: null,
  });
}

async function raiseGenerations(trx: Knex, nowMs: number): Promise<void> {
  await trx('devices').update({ least_generation: trx.raw('generation + ?', [GENERATION_STEP]) });
  await trx('erased_devices').update({ generation: trx.raw('generation + ?', [GENERATION_STEP]) });
  const base = await trx<{ key: string; value: string }>('key_values').where({ key: BASE_KEY }).first();
  for (const [key, value] of [
    [BASE_KEY, Number(base?.value ?? 0) + GENERATION_STEP],
    [ADOPT_KEY, nowMs + ADOPT_MS],
  ] as const)
    await trx('key_values')
      .insert({ key, value: String(value), expires_at_ms: null })
      .onConflict('key')
      .merge();
}
