/** Moving an installation between SQLite and PostgreSQL: everything arrives, and two never serve. */
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../controller/domain/fault.ts';
import { cancelCopy } from '../../controller/store/copy/copy.ts';
import { LEFT_OUT, tablesOf } from '../../controller/store/copy/schema.ts';
import { openStore } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { withInstallation } from '../support/installation.ts';
import { contentsOf, copy, emptyDatabase, folderPlace, inPlace, postgresPlace } from '../support/move.ts';
import { NOW_MS } from '../support/state.ts';

const nowMs = () => NOW_MS;
const without = ({ audit, ...rest }: Record<string, string[]>) => rest;

/** A migration that adds a table says here whether it moves with the installation. */
const MOVES = [
  'admin_tokens',
  'adoption_hours',
  'adoption_samples',
  'apk_download_events',
  'attempts',
  'audit',
  'builds',
  'check_ins',
  'desired',
  'desired_attempt',
  'device_tags',
  'devices',
  'erased_devices',
  'evidence_exclusions',
  'evidence_tally',
  'halts',
  'installation',
  'key_values',
  'outbox',
  'past_bounds',
  'promoted',
  'push_tokens',
  'ramp_progress',
  'ramps',
  'revisions',
  'sessions',
  'tag_changes',
];
const STAYS = [
  'change_counter',
  'changes',
  'controllers',
  'leader',
  'leader_requests',
  'moves',
  'schema_floor',
  'schema_migrations',
  'schema_migrations_lock',
];

test('every table is either moved or listed as left out, and both engines report the same tables', () =>
  withFolder(async folder => {
    await (await openStore({ folder, nowMs })).close();
    const database = await emptyDatabase(folder);
    await withFolder(async other => (await openStore({ folder: other, database, nowMs })).close());
    const told = [];
    for (const place of [folderPlace(folder), postgresPlace(database)])
      told.push(
        (await inPlace(place, tablesOf)).map(({ columns, ...t }) => ({
          ...t,
          // A number's exactness is the engine's own.
          columns: columns.map(c => [c.name, c.kind]),
        })),
      );
    assert.equal(told[0], told[1]);
    assert.equal(told[0]?.map(t => t.name).sort(), MOVES);
    assert.equal(Object.keys(LEFT_OUT).sort(), STAYS);
  }));

test('an installation moves to PostgreSQL and back, and every row is the same', () =>
  withInstallation('ramp', async ({ folder }) => {
    await (await openStore({ folder, nowMs })).close();
    const here = folderPlace(folder);
    const there = postgresPlace(await emptyDatabase(folder));
    const before = await contentsOf(here);
    assert.ok(Object.values(before).filter(rows => rows.length > 0).length > 15, 'many tables have rows');
    const { tables } = await copy(here, there, { cutOver: true });
    assert.ok(tables.every(t => t.sha256.source === t.sha256.dest && t.rows.source === t.rows.dest));
    const moved = await contentsOf(there);
    assert.equal(without(moved), without(before));
    assert.is(moved.audit?.length, (before.audit?.length ?? 0) + 1);
    assert.match(moved.audit?.at(-1) ?? '', /ota store copy/);
    await withFolder(async back => {
      const home = folderPlace(path.join(back, 'data'));
      await copy(there, home, { cutOver: true });
      assert.equal(without(await contentsOf(home)), without(before));
      const store = await openStore({ folder: home.name, nowMs });
      assert.is((await store.devices.list({ limit: 1_000 })).length, before.devices?.length);
      await store.close();
    });
  }));

test('ids that were given out are not given out again at the new place', () =>
  withFolder(async folder => {
    const store = await openStore({ folder, nowMs });
    const entry = (key: string) => ({ topic: 't', key, payload: 1, notBeforeMs: 0 });
    await store.outbox.add([entry('a'), entry('b')]);
    for (const { id } of await store.outbox.pending('t')) await store.outbox.done(id);
    await store.close();
    const database = await emptyDatabase(folder);
    await copy(folderPlace(folder), postgresPlace(database), { cutOver: true });
    await withFolder(async other => {
      const moved = await openStore({ folder: other, database, nowMs });
      await moved.outbox.add([entry('c')]);
      assert.equal(
        (await moved.outbox.pending('t')).map(row => row.id),
        [3],
      );
      await moved.close();
    });
  }));

test('what changes while the copy runs arrives with the next pass: new rows, other rows, rows that went', () =>
  withFolder(async folder => {
    const there = postgresPlace(await emptyDatabase(folder));
    const store = await openStore({ folder, nowMs });
    const enrol = (ids: string[]) =>
      store.devices.enrol(
        ids.map(deviceId => ({ deviceId, tags: ['qa'] })),
        NOW_MS,
      );
    try {
      await enrol(Array.from({ length: 4_500 }, (_, n) => `d${n}`));
      await copy(folderPlace(folder), there);
      await enrol(['a-new', 'z-new']);
      await store.devices.setTags('d7', ['lab', 'qa']);
      await store.devices.erase('d4400');
      await store.devices.rotate('d9', NOW_MS + 60_000);
      const second = await copy(folderPlace(folder), there);
      const devices = second.tables.find(t => t.table === 'devices');
      assert.ok((devices?.missing ?? 0) < 10, 'only what differs is written');
      assert.equal(await contentsOf(there), await contentsOf(folderPlace(folder)));
    } finally {
      await store.close();
    }
  }));

test('after the cut-over the controller at the source writes nothing, reports it once, and does not start again', () =>
  withFolder(async folder => {
    const there = postgresPlace(await emptyDatabase(folder));
    let told = 0;
    const store = await openStore({ folder, nowMs, onOvertaken: () => (told += 1) });
    await store.keyValues.set('k', 'before', undefined);
    await copy(folderPlace(folder), there, { cutOver: true });
    for (const key of ['k', 'l'])
      assert.is(await store.keyValues.set(key, 'after', undefined).catch(faultCode), 'installation_moved');
    assert.is(told, 1);
    await store.close();
    const refused = await openStore({ folder, nowMs }).catch(error => error);
    assert.is(faultCode(refused), 'installation_moved');
    assert.match((refused as Error).message, /moved to .*ota_.* on 2\d{3}-/);
    assert.match((await contentsOf(there)).key_values?.join('') ?? '', /before/);
  }));

test('a database that is being filled is not used', () =>
  withFolder(async folder => {
    await (await openStore({ folder, nowMs })).close();
    const database = await emptyDatabase(folder);
    await copy(folderPlace(folder), postgresPlace(database));
    await withFolder(async other => {
      assert.is(await openStore({ folder: other, database, nowMs }).catch(faultCode), 'copy_unfinished');
    });
    await (await openStore({ folder, nowMs })).close();
  }));

test('a data folder whose database moved may serve a controller on PostgreSQL, on that database alone', () =>
  withFolder(async folder => {
    await (await openStore({ folder, nowMs })).close();
    const database = await emptyDatabase(folder);
    const before = await openStore({ folder, database: await emptyDatabase(`${folder}/x`), nowMs }).catch(
      e => e,
    );
    assert.is(faultCode(before), 'database_twice');
    assert.match((before as Error).message, /ota store copy/);
    await copy(folderPlace(folder), postgresPlace(database), { cutOver: true });
    await (await openStore({ folder, database, nowMs })).close();
    const wrong = await openStore({ folder, database: await emptyDatabase(`${folder}/y`), nowMs }).catch(
      e => e,
    );
    assert.is(faultCode(wrong), 'database_twice');
    assert.match((wrong as Error).message, /moved to another database/);
  }));

test('a cut-over that did not end is given up: the source is used again, and the copy can go on later', () =>
  withFolder(async folder => {
    await (await openStore({ folder, nowMs })).close();
    const [here, there] = [folderPlace(folder), postgresPlace(await emptyDatabase(folder))];
    assert.is(await cancelCopy(here).catch(faultCode), 'copy_not_leaving');
    const stop = new Error('killed');
    const killed = await copy(here, there, {
      cutOver: true,
      onStep: ({ step }) => {
        if (step === 'stopped') throw stop;
      },
    }).catch(error => error);
    assert.is(killed, stop);
    assert.is(await openStore({ folder, nowMs }).catch(faultCode), 'installation_moved');
    await cancelCopy(here);
    const store = await openStore({ folder, nowMs });
    await store.keyValues.set('k', 'stayed', undefined);
    await store.close();
    await copy(here, there, { cutOver: true });
    assert.match((await contentsOf(there)).key_values?.join('') ?? '', /stayed/);
    assert.is(await cancelCopy(here).catch(faultCode), 'installation_moved');
  }));

test('a cut-over that was given up while it ran hands nothing over', () =>
  withFolder(async folder => {
    await (await openStore({ folder, nowMs })).close();
    const [here, there] = [folderPlace(folder), postgresPlace(await emptyDatabase(folder))];
    let rest = 0;
    const told = async ({ step }: { step: string }) => {
      if (step === 'rest' && rest++ === 0) await cancelCopy(here);
    };
    const ended = await copy(here, there, { cutOver: true, onStep: told }).catch(faultCode);
    assert.is(ended, 'copy_cancelled');
    await (await openStore({ folder, nowMs })).close();
  }));

test('the same copy started twice: the older run stops writing', () =>
  withFolder(async folder => {
    const store = await openStore({ folder, nowMs });
    await store.devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS);
    await store.close();
    const [here, there] = [folderPlace(folder), postgresPlace(await emptyDatabase(folder))];
    let again = 0;
    const first = await copy(here, there, {
      onStep: async () => {
        again += 1;
        if (again === 1) await copy(here, there);
      },
    }).catch(faultCode);
    assert.is(first, 'copy_overtaken');
    assert.equal(await contentsOf(there), await contentsOf(here));
  }));

test('nothing is copied over another installation, onto itself, or from one that left', () =>
  withFolder(async folder => {
    await (await openStore({ folder, nowMs })).close();
    const here = folderPlace(folder);
    assert.is(await copy(here, here).catch(faultCode), 'copy_same_place');
    assert.is(await copy(folderPlace(`${folder}/none`), here).catch(faultCode), 'no_database');
    const database = await emptyDatabase(folder);
    assert.is(
      await copy(postgresPlace(database), folderPlace(`${folder}/new`)).catch(faultCode),
      'no_database',
    );
    await withFolder(async other => {
      const used = await openStore({ folder: other, database, nowMs });
      await used.keyValues.set('k', 'v', undefined);
      await used.close();
    });
    const full = await copy(here, postgresPlace(database)).catch(error => error);
    assert.is(faultCode(full), 'destination_not_empty');
    assert.match((full as Error).message, /key_values has rows/);
    const first = postgresPlace(await emptyDatabase(`${folder}/first`));
    await copy(here, first, { cutOver: true });
    const second = postgresPlace(await emptyDatabase(`${folder}/second`));
    const late = await copy(here, second, { newTicket: () => 'another' }).catch(error => error);
    assert.is(faultCode(late), 'installation_moved');
    assert.match((late as Error).message, /copy it from there/);
  }));

test('a source of another version is named with what to do', () =>
  withInstallation('ramp', async ({ folder }) => {
    const there = postgresPlace(await emptyDatabase(folder));
    const older = await copy(folderPlace(folder), there).catch(error => error);
    assert.is(faultCode(older), 'schema_older');
    assert.match((older as Error).message, /start this version's controller on it once/);
    await (await openStore({ folder, nowMs })).close();
    await inPlace(folderPlace(folder), db =>
      db('schema_migrations').insert({ name: '9999-later', batch: 9, migration_time: 1 }),
    );
    assert.is(await copy(folderPlace(folder), there).catch(faultCode), 'schema_newer');
  }));

test.run();
