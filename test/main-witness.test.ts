/** A clock that is held after a start ends when the https host of the source agrees with it (SPEC §2). */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { witnessesOf } from '../controller/compose/watches.ts';
import { DAY_MS, MINUTE_MS } from '../controller/domain/duration.ts';
import { openStore } from '../controller/store/store.ts';
import { dateOf } from '../controller/watch/witness.ts';
import { until } from './support/folder.ts';
import { type Fate, type Served, withServed } from './support/git-served.ts';
import { startProcess } from './support/process.ts';
import { releaseFiles } from './support/releases.ts';
import { aState } from './support/state.ts';

const CA = path.resolve(import.meta.dirname, 'fixtures/tls/cert.pem');

/** A data folder that a controller left a month ago. */
async function monthOld(folder: string): Promise<void> {
  const store = await openStore({ folder, nowMs: Date.now });
  await store.lastMoment.keep(Date.now() - 30 * DAY_MS);
  await store.close();
}

/** Whom both Git and Node trust, as docs/operations.md says. */
async function trusting({ place, url, token }: Served): Promise<Record<string, string>> {
  await mkdir(place, { recursive: true });
  await writeFile(path.join(place, '.gitconfig'), `[http]\n\tsslCAInfo = ${CA}\n`);
  const data = path.join(place, 'data');
  await monthOld(data);
  return { OTA_DATA: data, OTA_SOURCE: url, OTA_SOURCE_TOKEN: token, NODE_EXTRA_CA_CERTS: CA };
}

test('after a month away the clock is trusted as soon as the https host of the source agrees', () => {
  const asked: string[] = [];
  const judge = ({ url, body }: { url: string; body: string }): Fate => {
    asked.push(url);
    assert.not.match(body, /served-repository-token/);
    return 'serve';
  };
  return withServed(
    judge,
    async served => {
      await served.repository.commit(releaseFiles(aState({ rollout: 10 })));
      served.publish();
      const running = await startProcess(await trusting(served), served.place);
      try {
        await until('the witness', () => /"event":"ota.clock.ok","by":"witness"/.test(running.stdout()));
        assert.match(running.stdout(), /"event":"ota.clock.start"/);
        await until('a pass over https', () => /"event":"ota.reconcile/.test(running.stdout()));
        assert.match(running.stdout(), /"event":"ota.reconcile.(applied|rejected)"/);
        assert.ok(asked.includes('/'), 'its root is asked, nothing of the repository');
      } finally {
        assert.is(await running.end('SIGTERM'), 0);
      }
    },
    'https',
  );
});

test('the time is read from any answer of a host whose certificate is trusted', async () => {
  const answer = (): Fate => ({ status: 404, type: 'text/plain', body: '' });
  const asked = async ({ url }: Served) => dateOf(new URL(url).origin);
  const date = await withServed(answer, asked);
  assert.ok(Math.abs(Date.now() - (date ?? 0)) < MINUTE_MS);
  assert.is(await withServed(answer, asked, 'https'), undefined);
});

test('only hosts over https are asked: those of the source and of GitHub', () => {
  const settings = (OTA_SOURCE: string, OTA_GITHUB_REPO?: string) => ({
    OTA_SOURCE,
    OTA_GITHUB_REPO,
    OTA_GITHUB_URL: 'https://api.github.com',
  });
  assert.equal(witnessesOf(settings('https://git.example:8443/fleet/releases.git')), [
    'https://git.example:8443',
  ]);
  assert.equal(witnessesOf(settings('ssh://git@git.example/releases.git')), []);
  assert.equal(witnessesOf(settings('http://git.example/releases.git')), []);
  assert.equal(witnessesOf(settings('releases', 'acme/fleet')), ['https://api.github.com']);
});

test.run();
