/** Without GitHub the page pushes a branch to the Git source; a person merges it, and it governs. */
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withController } from '../support/controller.ts';
import { visitor } from '../support/pages/visitor.ts';

const ALL_ON_41 = {
  current: 'b41',
  lastSafe: undefined,
  exposure: { kind: 'percent', percent: 100 },
} as const;

test('the plan comes first, then a branch with that change; pressing twice pushes it once; merging it governs', () =>
  withController(async journey => {
    const { repository, controller } = journey;
    await journey.merge(ALL_ON_41);
    const person = await visitor(journey);
    const plan = await person.get('/change/promote?build=b42&percent=10');
    assert.is(plan.status, 200, plan.text);
    assert.match(plan.text, /Push the branch/);
    assert.is(await repository.git('branch', '--list', 'ota/*'), '', 'looking pushes nothing');

    const pushed = await person.press(plan, '/change/promote', { reason: 'Wi-Fi fix' });
    assert.is(pushed.status, 200, pushed.text);
    const [, branch = ''] = /origin\/(ota\/promote-b42-to-10-[0-9a-f]{8}) /.exec(pushed.text) ?? [];
    assert.ok(branch !== '', pushed.text);
    const commit = await repository.git('rev-parse', branch);
    assert.is(await repository.git('rev-parse', `${branch}^`), await repository.git('rev-parse', 'main'));
    assert.equal(await repository.git('diff', '--name-only', 'main', branch), 'releases/rollout.yaml');
    assert.match(
      await repository.git('log', '-1', '--format=%B', branch),
      /Wi-Fi fix\n\nAsked for by admin:first/,
    );
    await person.press(plan, '/change/promote', { reason: 'Wi-Fi fix' });
    assert.is(await repository.git('rev-parse', branch), commit, 'a second press changes nothing');

    await repository.git('merge', '--quiet', '--no-ff', '--no-edit', branch);
    await controller.reconcile.run();
    assert.is(controller.reconcile.snapshot?.rollout.current, 'b42');
    assert.match((await journey.admin('GET', '/v1/events?limit=20')).body.toString(), /change\.propose/);
  }));

test('a source that takes no branch is named with its reason, and nothing is changed', () =>
  withController(async journey => {
    await journey.merge(ALL_ON_41);
    const hook = path.join(journey.repository.folder, '.git/hooks/pre-receive');
    await writeFile(hook, '#!/bin/sh\necho "branches are made by the release team" >&2\nexit 1\n');
    await chmod(hook, 0o755);
    const person = await visitor(journey);
    const plan = await person.get('/change/promote?build=b42&percent=10');
    const refused = await person.press(plan, '/change/promote', { reason: 'Wi-Fi fix' });
    assert.is(refused.status, 503);
    assert.match(refused.text, /cannot push to .*Nothing was changed.*<code>push_refused<\/code>/s);
    assert.is(await journey.repository.git('branch', '--list', 'ota/*'), '');
  }));

test('beside a folder the page shows the command', () =>
  withController(
    async journey => {
      await journey.controller.reconcile.run();
      const person = await visitor(journey);
      const plan = await person.get('/change/promote?build=b42&percent=25');
      assert.is(plan.status, 200, plan.text);
      assert.match(plan.text, /The source of this controller is a folder/);
      assert.match(plan.text, /ota promote b42 --percent 25/);
    },
    {
      settings: { OTA_SOURCE: path.resolve('releases'), OTA_ARTIFACTS_IMPORT: path.resolve('examples/apks') },
    },
  ));

test.run();
