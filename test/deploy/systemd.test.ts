/** The systemd unit with its drop-in for PostgreSQL, as systemd itself reads them. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withFolder } from '../support/folder.ts';

const UNITS = path.resolve(import.meta.dirname, '../../deploy/systemd');
const read = (name: string): string => readFileSync(path.join(UNITS, name), 'utf8');

const hasSystemd = spawnSync('systemd-analyze', ['--version']).error === undefined;
(hasSystemd ? test : test.skip)('systemd takes the unit with its drop-in, and knows every key', () =>
  withFolder(async folder => {
    const name = 'ota-controller.service';
    const dropIn = path.join(folder, `${name}.d`, 'postgresql.conf');
    mkdirSync(path.dirname(dropIn));
    // The program must exist where the check is made.
    const unit = read(name).replace('/usr/bin/node', process.execPath);
    writeFileSync(path.join(folder, name), unit);
    copyFileSync(path.join(UNITS, 'postgresql.conf'), dropIn);
    const verify = () =>
      spawnSync('systemd-analyze', ['verify', name], {
        encoding: 'utf8',
        env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` },
      });
    const good = verify();
    assert.equal([good.status, good.stderr], [0, '']);
    appendFileSync(dropIn, 'LoadCredentials=misspelt:/etc/x\n');
    assert.match(verify().stderr, "Unknown key 'LoadCredentials'");
    const credentials = [...read('postgresql.conf').matchAll(/^LoadCredential=([^:]+):/gm)];
    for (const [, credential] of credentials) assert.match(read('postgresql.conf'), `=%d/${credential}\n`);
    assert.is(credentials.length, 3);
  }),
);

test.run();
