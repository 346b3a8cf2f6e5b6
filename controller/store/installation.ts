/** Rows that identify the installation that owns the database. */
import type { Knex } from 'knex';
import type { InstallationStore } from '../ports/index.ts';
import { insertAudit } from './audit.ts';
import type { Db } from './db.ts';
import { installationIdIn } from './moves.ts';

interface InstallationRecord {
  readonly name: string;
  readonly value: string;
}

export const makeInstallationStore = (db: Db): InstallationStore => ({
  id: () => db.read(installationIdIn),
  settle: look =>
    db.write(async trx => {
      const { learn, differing } = look(await knownIn(trx));
      if (differing.length === 0) for (const [name, value] of learn) await put(trx, name, value);
      return differing;
    }),
  differing: look => db.read(async reader => look(await knownIn(reader)).differing),
  adopt: (look, audit) =>
    db.write(async trx => {
      const { learn, differing } = look(await knownIn(trx));
      for (const [name, value] of [...learn, ...differing.flatMap(d => d.rows)]) await put(trx, name, value);
      if (differing.length > 0) await insertAudit(trx, [audit(differing)]);
      return differing;
    }),
});

async function knownIn(trx: Knex): Promise<Map<string, string>> {
  const rows: InstallationRecord[] = await trx<InstallationRecord>('installation').select();
  return new Map(rows.map(row => [row.name, row.value]));
}

async function put(trx: Knex, name: string, value: string | null): Promise<void> {
  if (value === null) await trx<InstallationRecord>('installation').where({ name }).delete();
  else await trx<InstallationRecord>('installation').insert({ name, value }).onConflict('name').merge();
}
