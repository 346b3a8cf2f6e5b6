/** The Git that proposals run and the Git that reads the source see the same of the environment. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openCheckout } from '../../controller/github/checkout.ts';
import { gitCommand } from '../../controller/source/git/command.ts';
import { withFolder } from '../support/folder.ts';

const GIVEN = {
  HOME: '/home/op',
  XDG_CONFIG_HOME: '/home/op/conf',
  SSH_AUTH_SOCK: '/run/agent',
  HTTPS_PROXY: 'http://proxy.example:3128',
  ALL_PROXY: 'socks5://proxy.example:1080',
  no_proxy: 'localhost',
  GIT_DIR: '/elsewhere',
  GIT_EXTERNAL_DIFF: '/bin/evil',
  AWS_SECRET_ACCESS_KEY: 'x',
};

/** A `git` that writes down its environment. */
async function withStandIn(
  use: (seen: () => Promise<string[]>, env: Record<string, string>) => Promise<void>,
) {
  await withFolder(async folder => {
    const file = path.join(folder, 'seen');
    await writeFile(path.join(folder, 'git'), `#!/bin/sh\n/usr/bin/env > ${file}\n`);
    await chmod(path.join(folder, 'git'), 0o755);
    const seen = async () => {
      const names = new Set((await readFile(file, 'utf8')).split('\n').map(line => line.split('=')[0] ?? ''));
      return Object.keys(GIVEN).filter(name => names.has(name));
    };
    await use(seen, { ...GIVEN, PATH: folder });
  });
}

const PASSED = ['HOME', 'XDG_CONFIG_HOME', 'SSH_AUTH_SOCK', 'HTTPS_PROXY', 'ALL_PROXY', 'no_proxy'];

test('a proposal’s Git gets user, certificates and proxies, and no GIT_ variable or secret of the caller', () =>
  withStandIn(async (seen, environment) => {
    await openCheckout('/', { environment }).git('version');
    assert.equal(await seen(), PASSED);
  }));

test('the source’s Git gets the same; its own GIT_DIR is set by us', () =>
  withStandIn(async (seen, environment) => {
    await gitCommand({ gitDir: '/', environment, timeoutMs: 10_000 }).text(['version']);
    assert.equal(
      (await seen()).filter(name => name !== 'GIT_DIR'),
      PASSED,
    );
  }));

test.run();
