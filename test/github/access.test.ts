import { generateKeyPairSync } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { accessOf } from '../../controller/github/access.ts';
import { makeClock, withGitHub } from '../support/github/client.ts';
import { type Hub, withHub } from '../support/github/hub.ts';

const clock = makeClock();

const withRepository = (use: (hub: Hub) => Promise<void>): Promise<void> =>
  withHub(
    async hub => {
      hub.state.git.commit('main', { 'README.md': 'fleet' }, 'begin');
      await use(hub);
      assert.equal(hub.violations, []);
      assert.equal(
        hub.writes().filter(w => !w.operation.startsWith('apps/')),
        [],
        'asking changes nothing',
      );
    },
    { nowMs: clock.nowMs },
  );

test('a token’s missing permissions are found by what GitHub refuses to show, and by its user’s right to write', () =>
  withRepository(async hub => {
    const ask = () => withGitHub(hub, accessOf);
    assert.equal(await ask(), { login: 'ota-bot', missing: [], isWhole: false });
    hub.state.mayPush = false;
    assert.equal((await ask()).missing, ['write access to the repository']);
    hub.state.mayPush = true;
    hub.fail({ kind: 'forbidden', operation: 'repos/list-deployments' });
    assert.equal((await ask()).missing, ['deployments: write']);
  }));

test('an App’s permissions are all listed by GitHub', () =>
  withRepository(async hub => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    await withGitHub(
      hub,
      async github => {
        assert.equal((await accessOf(github)).missing, [
          'contents: read',
          'pull requests: write',
          'deployments: write',
        ]);
        // Granted meanwhile: the token at hand does not know it yet.
        hub.state.granted = {
          contents: 'write',
          pull_requests: 'write',
          statuses: 'write',
          deployments: 'read',
        };
        assert.equal(await accessOf(github), {
          login: 'ota-console[bot]',
          missing: ['deployments: write'],
          isWhole: true,
        });
      },
      { auth: { kind: 'app', appId: 7, installationId: 8, privateKey } },
    );
  }));

test('a GitHub that cannot be asked is a fault, not a missing permission', () =>
  withRepository(async hub => {
    hub.fail({ kind: 'server', operation: 'pulls/list' });
    await withGitHub(hub, async github => {
      await accessOf(github).then(
        () => assert.unreachable('must reject'),
        error => assert.is(error.code, 'github_unavailable'),
      );
    });
  }));

test.run();
