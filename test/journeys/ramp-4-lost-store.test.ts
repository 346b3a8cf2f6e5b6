/** A controller whose store was lost asks GitHub whether the build was halted before it offers it to anybody again. */
import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DATABASE_FILE } from '../../controller/store/folder.ts';
import { openKnex } from '../../controller/store/sqlite.ts';
import { gated, type Scene, withRamp } from '../support/github/brake-scene.ts';
import { MINUTE_MS } from '../support/github/journey.ts';

const RAMP = ['ramp_progress', 'ramps', 'halts', 'key_values', 'outbox'];
/** Nothing was ever applied, as far as this store knows. */
const ALL = [...RAMP, 'desired', 'desired_attempt', 'promoted', 'builds'];

/** The controller goes on with a data folder that has lost these tables' rows. */
async function lose({ journey }: Scene, tables: readonly string[]): Promise<void> {
  const data = path.join(journey.folder, 'data');
  const rest = path.join(journey.folder, 'what-is-left');
  await mkdir(rest, { mode: 0o700 });
  await cp(data, rest, {
    recursive: true,
    filter: from => !path.basename(from).startsWith('ota.') && path.basename(from) !== 'git',
  });
  await journey.controller.store.backup(path.join(rest, DATABASE_FILE));
  const db = openKnex(path.join(rest, DATABASE_FILE), [], 1);
  for (const table of tables) await db(table).delete();
  await db.destroy();
  await journey.restart({ OTA_DATA: rest });
}

test('its own pull request of the brake is open: nobody is offered the build until ota resume', () =>
  withRamp(gated(), async scene => {
    await scene.breach();
    const [pull] = scene.brakes();
    await lose(scene, ALL);
    await scene.journey.controller.reconcile.run();
    await scene.settle();
    const [halt, ...others] = await scene.halts();
    assert.equal(
      [halt?.kind, halt?.pull_request, others],
      ['gate', `https://github.com/acme/fleet/pull/${pull?.number}`, []],
    );
    await scene.pass(5 * MINUTE_MS);
    assert.equal([await scene.offered(), scene.brakes().length], [0, 1]);
    await scene.journey.admin('POST', '/v1/resume', { json: { reason: 'looked at it' } });
    await scene.settle();
    assert.equal([(await scene.offered()) > 0, pull?.state], [true, 'closed']);
  }));

test('a status says that it was halted: nobody is offered the build, and its pull request is opened', () =>
  withRamp(gated(), async scene => {
    const { hub } = scene;
    hub.fail({ kind: 'invalid', operation: 'git/create-tree' });
    await scene.breach();
    await scene.pass(2 * MINUTE_MS);
    assert.is(scene.brakes().length, 0);
    hub.heal();
    await lose(scene, RAMP);
    assert.is(await scene.offered(), 0, 'from the first check on');
    await scene.settle();
    assert.equal(
      (await scene.halts()).map(h => h.kind),
      ['gate'],
    );
    await scene.pass(MINUTE_MS);
    assert.equal([await scene.offered(), scene.brakes().length], [0, 1]);
  }));

test('GitHub cannot be read: nobody is offered the build until it can, or until ota resume', () =>
  withRamp(gated(), async scene => {
    const { hub, journey } = scene;
    hub.fail({ kind: 'server' });
    await lose(scene, RAMP);
    await scene.pass(5 * MINUTE_MS);
    assert.is(await scene.offered(), 0);
    assert.equal(await scene.conditions(), ['past_unknown']);
    await journey.restart({ OTA_DATA: path.join(journey.folder, 'what-is-left') });
    await scene.pass(5 * MINUTE_MS);
    assert.is(await scene.offered(), 0, 'also after a restart');
    const resumed = await journey.admin('POST', '/v1/resume', { json: { reason: 'I know this build' } });
    assert.is(resumed.status, 200);
    await scene.pass(MINUTE_MS);
    assert.ok((await scene.offered()) > 0);
  }));

test('GitHub knows of no halt: the ramp begins by itself at its first step', () =>
  withRamp(gated(), async scene => {
    const { hub } = scene;
    hub.fail({ kind: 'server' });
    await lose(scene, ALL);
    await scene.pass(MINUTE_MS);
    hub.heal();
    await scene.journey.controller.reconcile.run();
    await scene.settle();
    await scene.pass(MINUTE_MS);
    assert.equal([await scene.halts(), await scene.conditions()], [[], []]);
    assert.ok((await scene.offered()) > 0);
  }));

test.run();
