import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault, faultCode } from '../../controller/domain/fault.ts';
import { type Db, makeDb } from '../../controller/store/db.ts';
import { openWriter, sqliteEngine } from '../../controller/store/sqlite.ts';
import { withFolder } from '../support/folder.ts';

/** A database with one table of texts. */
const withTable = (
  use: (db: Db, limitPages: (pages: number) => Promise<void>, file: string) => Promise<void>,
) =>
  withFolder(async folder => {
    const file = path.join(folder, 'test.db');
    const writer = openWriter(file);
    await writer.schema.createTable('notes', t => {
      t.increments('id');
      t.text('text').notNullable().unique();
    });
    // Without the schema there is no mark of a move to look for.
    const db = makeDb({ ...sqliteEngine(file, writer), begin: undefined });
    try {
      const limitPages = async (pages: number): Promise<void> => {
        await writer.raw(`PRAGMA max_page_count = ${pages}`);
      };
      await use(db, limitPages, file);
    } finally {
      await db.close();
    }
  });
const add = (db: Db, text: string) =>
  db.write(async trx => {
    await trx('notes').insert({ text });
    return text;
  });
const texts = (db: Db): Promise<string[]> => db.read(reader => reader('notes').orderBy('id').pluck('text'));
const settled = (all: readonly Promise<unknown>[]) =>
  Promise.all(all.map(one => one.then(String, error => faultCode(error))));

test('no write succeeds once the file was deleted or replaced', () =>
  withTable(async (db, _limit, file) => {
    await add(db, 'kept');
    await rename(file, `${file}.away`);
    assert.equal(await settled([add(db, 'a'), add(db, 'b')]), ['store_gone', 'store_gone']);
    await writeFile(file, 'another');
    assert.equal(await settled([add(db, 'c')]), ['store_gone']);
    await rename(`${file}.away`, file);
    assert.is(await add(db, 'd'), 'd');
    assert.equal(await texts(db), ['kept', 'd']);
  }));

test('jobs asked for together commit together, in the order they came', () =>
  withTable(async db => {
    const all = Array.from({ length: 300 }, (_, n) => `note ${n}`);
    assert.equal(await Promise.all(all.map(text => add(db, text))), all);
    assert.equal(await texts(db), all);
  }));

test('a failed job undoes only its own changes', () =>
  withTable(async db => {
    const failing = db.write(async trx => {
      await trx('notes').insert({ text: 'half' });
      throw new Fault('test_fault', 'on purpose', { retry: 'never' });
    });
    assert.equal(await settled([add(db, 'a'), failing, add(db, 'a'), add(db, 'b')]), [
      'a',
      'test_fault',
      'internal',
      'b',
    ]);
    assert.equal(await texts(db), ['a', 'b']);
  }));

test('a job asked for in the tick in which the last one ends is run too', () =>
  withTable(async db => {
    const chain = async (n: number): Promise<void> => {
      if (n === 0) return;
      await add(db, `note ${n}`);
      await chain(n - 1);
    };
    await chain(50);
    await add(db, 'x').then(() => add(db, 'y'));
    assert.is((await texts(db)).length, 52);
  }));

test('a full disk fails what did not fit with disk_full and keeps what was committed', () =>
  withTable(async (db, limitPages) => {
    await add(db, 'before');
    await limitPages(20);
    assert.is(await add(db, 'z'.repeat(200_000)).catch(faultCode), 'disk_full', 'alone');
    const large = (name: string) => add(db, name.repeat(200_000));
    assert.equal(await settled([large('a'), add(db, 'small'), large('b')]), [
      'disk_full',
      'disk_full',
      'disk_full',
    ]);
    assert.equal(await texts(db), ['before']);
    await limitPages(10_000);
    assert.is(await add(db, 'after'), 'after');
    assert.equal(await texts(db), ['before', 'after']);
  }));

test('a read sees what was committed before it and waits for no write', () =>
  withTable(async db => {
    await add(db, 'a');
    let release: () => void = () => undefined;
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    const slow = db.write(async trx => {
      await trx('notes').insert({ text: 'b' });
      await held;
    });
    assert.equal(await texts(db), ['a']);
    release();
    await slow;
    assert.equal(await texts(db), ['a', 'b']);
  }));

test('closing finishes queued jobs and refuses later ones', () =>
  withTable(async db => {
    const last = add(db, 'last');
    await db.close();
    assert.is(await last, 'last');
    assert.equal(await settled([add(db, 'late'), texts(db)]), ['store_closed', 'store_closed']);
    const fault = await add(db, 'late').catch((error: unknown) => error);
    assert.is(fault instanceof Fault && fault.retry, 'never');
  }));

test('no error text holds a value that was to be written', () =>
  withTable(async db => {
    await add(db, 'the secret');
    const error: Error = await add(db, 'the secret').then(
      () => new Error('recorded'),
      caught => caught,
    );
    assert.match(error.message, 'UNIQUE');
    assert.not.match(error.message, 'the secret');
  }));

test.run();
