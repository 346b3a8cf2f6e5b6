/** A certificate that is renewed under a running controller. */
import { X509Certificate } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Event } from '../../controller/domain/event.ts';
import { faultCode } from '../../controller/domain/fault.ts';
import { type CertificateWatch, watchCertificate } from '../../controller/watch/certificate.ts';
import { withFolder } from '../support/folder.ts';
import { DAY_MS } from '../support/state.ts';

const fixture = (name: string): string => path.resolve(import.meta.dirname, '../fixtures/tls', `${name}.pem`);
const names = { first: ['cert', 'key'], second: ['renewed-cert', 'renewed-key'] } as const;

interface Scene {
  readonly folder: string;
  readonly watch: CertificateWatch;
  readonly events: Event[];
  readonly at: { wallMs: number; monotonicMs: number };
  /** Which pair is in use, and how often another was handed out. */
  inUse(): string;
  handedOut: number;
  write(cert: 'first' | 'second', key: 'first' | 'second'): Promise<void>;
  pass(ms: number): Promise<void>;
}

const withScene = (use: (scene: Scene) => Promise<void>): Promise<void> =>
  withFolder(async folder => {
    const [certFile, keyFile] = [path.join(folder, 'tls.crt'), path.join(folder, 'tls.key')];
    const write: Scene['write'] = async (cert, key) => {
      await copyFile(fixture(names[cert][0]), certFile);
      await copyFile(fixture(names[key][1]), keyFile);
    };
    await write('first', 'first');
    const end = Date.parse(new X509Certificate(await readFile(certFile)).validTo);
    const at = { wallMs: end - 90 * DAY_MS, monotonicMs: 0 };
    const events: Event[] = [];
    const watch = await watchCertificate({
      certFile,
      keyFile,
      wallMs: () => at.wallMs,
      monotonicMs: () => at.monotonicMs,
      observe: e => void events.push(e),
    });
    const scene: Scene = {
      folder,
      watch,
      events,
      at,
      handedOut: 0,
      write,
      inUse: () => (watch.pair.cert.length > 0 ? new X509Certificate(watch.pair.cert).subject : ''),
      pass: async ms => {
        at.wallMs += ms;
        at.monotonicMs += ms;
        await watch.look();
      },
    };
    watch.subscribe(() => {
      scene.handedOut += 1;
    });
    try {
      await use(scene);
    } finally {
      watch.stop();
    }
  });

const types = ({ events }: Scene): string[] => events.map(e => e.type);

test('a new pair is taken within 30 s without any event, and handed out once', () =>
  withScene(async scene => {
    await scene.write('second', 'second');
    await scene.pass(30_000);
    assert.match(scene.inUse(), /renewed/);
    await scene.pass(30_000);
    assert.is(scene.handedOut, 1);
    assert.equal(types(scene), ['ota.tls.reload']);
  }));

test('on demand the certificate is read at the next look, and the result is reported even without a change', () =>
  withScene(async scene => {
    scene.watch.ask();
    await scene.pass(1_000);
    const [told] = scene.events;
    assert.ok(told?.type === 'ota.tls.reload' && !told.changed);
    await scene.write('second', 'second');
    scene.watch.ask();
    await scene.pass(1_000);
    assert.match(scene.inUse(), /renewed/);
  }));

test('a certificate that arrives before its key: the old pair stays without a report, then both are used', () =>
  withScene(async scene => {
    await scene.write('second', 'first');
    await scene.pass(30_000);
    await scene.pass(20_000);
    assert.not.match(scene.inUse(), /renewed/);
    assert.equal(types(scene), []);
    await scene.write('second', 'second');
    await scene.pass(1_000);
    assert.match(scene.inUse(), /renewed/);
    assert.equal(types(scene), ['ota.tls.reload']);
  }));

test('a pair that does not match for 60 s is reported once, and the old one stays in use', () =>
  withScene(async scene => {
    await writeFile(path.join(scene.folder, 'tls.key'), 'not a key');
    for (let seconds = 0; seconds < 200; seconds += 10) await scene.pass(10_000);
    assert.equal(types(scene), ['ota.tls.fail']);
    assert.is(scene.handedOut, 0);
    await rm(path.join(scene.folder, 'tls.crt'));
    for (let seconds = 0; seconds < 100; seconds += 10) await scene.pass(10_000);
    assert.equal(types(scene), ['ota.tls.fail'], 'the same trouble is not told again');
    await scene.write('second', 'second');
    await scene.pass(30_000);
    assert.match(scene.inUse(), /renewed/);
  }));

test('the expiry of a certificate is reported once a day, from 14 days before', () =>
  withScene(async scene => {
    await scene.pass(75 * DAY_MS);
    assert.equal(types(scene), []);
    await scene.pass(DAY_MS);
    await scene.pass(60_000);
    await scene.pass(DAY_MS);
    assert.equal(
      scene.events.flatMap(e => (e.type === 'ota.tls.expiring' ? [e.days] : [])),
      [14, 12],
    );
    await scene.write('second', 'second');
    await scene.pass(30_000);
    await scene.pass(DAY_MS);
    assert.is(types(scene).at(-1), 'ota.tls.reload');
  }));

test('a mounted secret, swapped by its symbolic link, is taken', () =>
  withFolder(async folder => {
    for (const [version, [cert, key]] of Object.entries(names)) {
      await mkdir(path.join(folder, version));
      await copyFile(fixture(cert), path.join(folder, version, 'tls.crt'));
      await copyFile(fixture(key), path.join(folder, version, 'tls.key'));
    }
    await symlink('first', path.join(folder, '..data'));
    for (const file of ['tls.crt', 'tls.key']) await symlink(`..data/${file}`, path.join(folder, file));
    let monotonicMs = 0;
    const watch = await watchCertificate({
      certFile: path.join(folder, 'tls.crt'),
      keyFile: path.join(folder, 'tls.key'),
      wallMs: () => 0,
      monotonicMs: () => monotonicMs,
      observe: () => undefined,
    });
    try {
      await symlink('second', path.join(folder, '..new'));
      await rename(path.join(folder, '..new'), path.join(folder, '..data'));
      monotonicMs += 30_000;
      await watch.look();
      assert.match(new X509Certificate(watch.pair.cert).subject, /renewed/);
    } finally {
      watch.stop();
    }
  }));

test('at the start a missing file and a pair that does not match are refused with their names', () =>
  withFolder(async folder => {
    const open = (certFile: string, keyFile: string) =>
      watchCertificate({
        certFile,
        keyFile,
        wallMs: () => 0,
        monotonicMs: () => 0,
        observe: () => undefined,
      });
    for (const [cert, key, words] of [
      [path.join(folder, 'no.crt'), fixture('key'), /OTA_TLS_CERT: .*no\.crt cannot be read \(ENOENT\)/],
      [fixture('cert'), fixture('renewed-key'), /cert\.pem and the key .*renewed-key\.pem do not match/],
    ] as const)
      await open(cert, key).then(
        () => assert.unreachable('it was accepted'),
        error => {
          assert.is(faultCode(error), 'tls_invalid');
          assert.match(error.message, words);
        },
      );
  }));

test.run();
