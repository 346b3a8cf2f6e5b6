import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { controllerOf, takeContext } from '../../controller/cli/contexts.ts';
import { ota, otaProcess, type Ran } from '../support/cli.ts';
import { withController } from '../support/controller.ts';

const ok = ({ code, out, err }: Ran): string => {
  assert.is(code, 0, err);
  return out;
};

test('contexts name controllers and token files; one is chosen by --context, OTA_CONTEXT, or as the current one', () =>
  withController(async journey => {
    await journey.merge(100);
    const { folder, url } = journey;
    const home = { XDG_CONFIG_HOME: path.join(folder, 'config') };
    const run = (argv: string[], env: Record<string, string> = {}) =>
      otaProcess(argv, { cwd: folder, env: { ...home, ...env } });
    const tokenFile = path.join(folder, 'token');
    await writeFile(tokenFile, `${journey.adminToken}\n`, { mode: 0o600 });
    assert.match(ok(await run(['context', 'add', 'here', url, 'token'])), /added here, the current context/);
    ok(await run(['context', 'add', 'away', 'http://127.0.0.1:1', 'token']));
    assert.match(ok(await run(['version'])), new RegExp(`^controller +test at ${url}$`, 'm'));
    const away = await run(['status', '--context', 'away']);
    assert.match(away.err, /controller at http:\/\/127\.0\.0\.1:1.*\[controller_unreachable\]/);
    assert.match((await run(['status'], { OTA_CONTEXT: 'away' })).err, /controller_unreachable/);
    ok(await run(['context', 'use', 'away']));
    assert.match((await run(['status'])).err, /controller_unreachable/);
    ok(await run(['--context=here', 'status'], { OTA_CONTEXT: 'away' }));
    ok(await run(['status'], { OTA_URL: url, OTA_ADMIN_TOKEN: journey.adminToken }));
    const kept = await readFile(path.join(folder, 'config/ota/contexts.json'), 'utf8');
    assert.not.ok(kept.includes(journey.adminToken), 'it holds no token');
    const { contexts } = JSON.parse(ok(await run(['context', 'list', '--json'])));
    assert.equal(contexts, [
      { name: 'here', current: false, url, token_file: tokenFile },
      { name: 'away', current: true, url: 'http://127.0.0.1:1', token_file: tokenFile },
    ]);
    ok(await run(['status'], { OTA_URL: url, OTA_ADMIN_TOKEN_FILE: tokenFile }));
    await chmod(tokenFile, 0o644);
    const exposed = await run(['status'], { OTA_URL: url, OTA_ADMIN_TOKEN_FILE: tokenFile });
    assert.match(exposed.err, /other users of this machine can read the token file .*chmod 600/s);
    assert.match((await run(['status', '--context', 'here'])).err, /chmod 600.*/);
    ok(await run(['context', 'remove', 'away']));
    const gone = await run(['status', '--context', 'away']);
    assert.is(gone.code, 2);
    assert.match(gone.err, /no context "away": known contexts are here.*\[context_unknown\]/);
    assert.match((await run(['status'])).err, /\[token_missing\]/, 'no context is current any more');
    assert.match((await run(['status', '--context'])).err, /\[context_missing\]/);
    await writeFile(path.join(folder, 'config/ota/contexts.json'), '{"contexts": {"x": 1}}');
    assert.match((await run(['context', 'list'])).err, /\[contexts_invalid\]/);
  }));

test('--context is found wherever it stands before --, and costs no other argument', () => {
  const { argv, context } = takeContext(['status', '--context', 'prod', '-w']);
  assert.equal([argv, context], [['status', '-w'], 'prod']);
  assert.equal(takeContext(['--context=prod', 'status']), { argv: ['status'], context: 'prod' });
  assert.equal(takeContext(['a', '--', '--context', 'b']).context, undefined);
  assert.equal(takeContext(['status', '--context', '-w']), { argv: ['status', '-w'], context: '' });
});

test('the environment names the controller unless a context is asked for', () => {
  const environment = { OTA_URL: 'http://127.0.0.1:9', HOME: '/nowhere' };
  assert.equal({ ...controllerOf(environment, undefined) }, { url: 'http://127.0.0.1:9', token: undefined });
  assert.throws(() => controllerOf(environment, 'prod').url, /no context "prod": none was added yet/);
  assert.is(controllerOf({ HOME: '/nowhere' }, undefined).url, undefined);
});

test('a plan against what is in force, wherever the branch is', () =>
  withController(async journey => {
    const { repository } = journey;
    const run = (...argv: string[]) =>
      ota(argv, { cwd: repository.folder, url: journey.url, token: journey.adminToken });
    assert.match((await run('diff')).err, /\[not_ready\]/);
    await journey.merge(10);
    assert.match(ok(await run('diff', '--exit-code')), /Nothing changes for any device/);
    const file = path.join(repository.folder, 'releases/rollout.yaml');
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace(/rollout_percent: 10/, 'rollout_percent: 25'),
    );
    await repository.git('checkout', '--quiet', '-b', 'wider');
    // Committed here, not in force there: against HEAD nothing would change.
    await repository.git('commit', '--quiet', '-am', 'wider');
    assert.match(ok(await run('plan')), /Nothing changes for any device/);
    const wider = await run('diff', '--exit-code');
    assert.is(wider.code, 1, wider.err);
    assert.match(wider.out, /10 % → 25 %|rollout_percent/);
    const outside = await ota(['diff'], { cwd: journey.folder, url: journey.url, token: journey.adminToken });
    assert.is(outside.code, 2);
  }));

test.run();
