/** APKs in a bucket of a real S3 server: what is stored, what is served, and what happens when the bucket is not as it was. */
import { writeFileSync } from 'node:fs';
import { readFile, rm, truncate } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bucket, type BucketPlace, openBucket } from '../../controller/artifacts/bucket.ts';
import { openDiskArtifacts } from '../../controller/artifacts/disk.ts';
import { inspectApk } from '../../controller/artifacts/inspect.ts';
import { type ObjectStore, openObjectStore } from '../../controller/artifacts/object-store.ts';
import { openTombstones } from '../../controller/artifacts/tombstones.ts';
import { HOUR_MS } from '../../controller/domain/duration.ts';
import { Fault, faultCode } from '../../controller/domain/fault.ts';
import { makeApk, testKey } from '../support/apk/index.ts';
import { withFolder } from '../support/folder.ts';
import { pieces, sha256Of } from '../support/http.ts';
import { type Swift, swiftIsInstalled, withSwift } from '../support/swift.ts';

const apk = makeApk({ versionCode: 42, key: testKey('release'), sizeBytes: 300_000 });
const sha256 = sha256Of(apk);
const other = makeApk({ versionCode: 43, key: testKey('release'), sizeBytes: 300_000 });
const otherSha = sha256Of(other);

interface Scene {
  readonly store: ObjectStore;
  readonly bucket: Bucket;
  /** Of the copies. */
  readonly folder: string;
  readonly repaired: string[];
  /** Moves both clocks. */
  pass(ms: number): void;
}

interface Controlled {
  readonly quotaBytes?: number;
  readonly owner?: string;
  /** Facts that outlive a restart: shared by controllers of one installation. */
  readonly values?: Map<string, string>;
  readonly database?: { away: boolean };
  /** Judges what is received; default: as a controller that declares nothing. */
  readonly inspect?: (file: string) => Promise<void>;
}

/** A controller's object store, its copies in `folder`. */
async function scene(
  place: BucketPlace,
  folder: string,
  {
    quotaBytes = 10_000_000,
    owner = 'ours',
    values = new Map<string, string>(),
    database = { away: false },
    inspect = file => inspectApk(file, async () => false),
  }: Controlled = {},
): Promise<Scene> {
  let movedMs = 0;
  const nowMs = () => Date.now() + movedMs;
  const bucket = await openBucket(place);
  const repaired: string[] = [];
  const store = await openObjectStore({
    bucket,
    copies: await openDiskArtifacts({ folder, quotaBytes, inspect, nowMs }),
    tombstones: await openTombstones(
      {
        get: async key => {
          if (database.away) throw new Fault('store_unreachable', 'it is away', { retry: 'backoff' });
          return values.get(key);
        },
        change: async (key, next) => {
          const value = next(values.get(key));
          values.set(key, value);
          return value;
        },
      },
      nowMs,
    ),
    quotaBytes,
    owner,
    leads: () => true,
    monotonicMs: nowMs,
    onRepaired: of => void repaired.push(of),
  });
  return {
    store,
    bucket,
    folder,
    repaired,
    pass: ms => {
      movedMs += ms;
    },
  };
}

const codeOf = (work: Promise<unknown>): Promise<string> => work.then(() => 'fine', faultCode);
const bytesOf = async (file: string | undefined): Promise<Buffer> => readFile(file ?? 'nowhere');

/** Somebody with rights on the bucket puts these bytes under that name. */
async function overwrite(
  { bucket, prefix, endpoint = '', region }: BucketPlace,
  bytes: Buffer,
): Promise<void> {
  const client = new S3Client({ endpoint, region, forcePathStyle: true });
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}/${sha256}.apk`, Body: bytes }));
  client.destroy();
}

/** `apk` with one bit of it flipped. */
function spoilt(): Buffer {
  const bytes = Buffer.from(apk);
  bytes[60_000] = (bytes[60_000] ?? 0) ^ 1;
  return bytes;
}

/** Every case with a bucket of its own on one server: starting one takes seconds. */
const CASES: readonly (readonly [title: string, run: (place: BucketPlace, swift: Swift) => Promise<void>])[] =
  [
    [
      'an APK streams in, is stored under its hash, and another controller serves it',
      place =>
        withFolder(async here =>
          withFolder(async there => {
            const { store, bucket } = await scene(place, here);
            const put = () => store.put(sha256, pieces(apk, 10_000), 1e6);
            const stored = { sha256, sizeBytes: apk.length, repaired: false };
            assert.equal(await put(), { ...stored, created: true });
            assert.equal(await put(), { ...stored, created: false });
            assert.is((await bucket.head(sha256))?.sizeBytes, apk.length);
            const second = await scene(place, there);
            assert.ok(await second.store.has(sha256));
            assert.ok((await bytesOf(await second.store.path(sha256))).equals(apk));
            assert.equal(
              (await second.store.list()).map(a => [a.sha256, a.sizeBytes]),
              [[sha256, apk.length]],
            );
            assert.is(await second.store.usedBytes(), apk.length);
            assert.is(await second.store.check(sha256), 'intact');
            assert.is(await second.store.path(otherSha), undefined);
          }),
        ),
    ],
    [
      'a controller that had its APKs on disk brings them along to a new bucket, but not to one in use',
      place =>
        withFolder(async folder => {
          const inspect = (file: string) => inspectApk(file, async () => false);
          const disk = await openDiskArtifacts({ folder, quotaBytes: 1e7, inspect, nowMs: Date.now });
          await disk.put(sha256, pieces(apk), 1e6);
          const { store, bucket } = await scene(place, folder);
          assert.is((await bucket.head(sha256))?.sizeBytes, apk.length);
          assert.ok((await bytesOf(await store.path(sha256))).equals(apk));
          await disk.put(otherSha, pieces(other), 1e6);
          const again = await scene(place, folder);
          assert.is(await again.store.path(otherSha), undefined, 'a copy of what the bucket does not hold');
        }),
    ],
    [
      'bytes that are not what their name says never get it, here or there',
      place =>
        withFolder(async folder => {
          const { store, bucket } = await scene(place, folder);
          assert.is(await codeOf(store.put(otherSha, pieces(apk), 1e6)), 'sha256_mismatch');
          assert.is(await codeOf(store.put(sha256, pieces(apk), 1_000)), 'too_large');
          const file = path.join(folder, 'file');
          writeFileSync(file, apk);
          assert.is(
            await codeOf(bucket.put(otherSha, file, apk.length)),
            'object_store_failed',
            'the server compares',
          );
          assert.equal([await bucket.head(sha256), await bucket.head(otherSha)], [undefined, undefined]);
          assert.equal(await store.list(), []);
        }),
    ],
    [
      'an upload that breaks off leaves no name, and the next one gets it',
      place =>
        withFolder(async folder => {
          const { store, bucket } = await scene(place, folder);
          async function* broken(): AsyncGenerator<Buffer> {
            yield apk.subarray(0, 100_000);
            throw new Error('the sender went away');
          }
          await store.put(sha256, broken(), 1e6).then(
            () => assert.unreachable(),
            () => undefined,
          );
          assert.equal([await bucket.head(sha256), await store.path(sha256)], [undefined, undefined]);
          assert.ok((await store.put(sha256, pieces(apk), 1e6)).created);
        }),
    ],
    [
      'the quota counts what the bucket holds',
      place =>
        withFolder(async folder => {
          const { store, bucket } = await scene(place, folder, { quotaBytes: apk.length + 1_000 });
          await store.put(sha256, pieces(apk), 1e6);
          assert.is(await codeOf(store.put(otherSha, pieces(other), 1e6)), 'quota_exceeded');
          assert.is(await bucket.head(otherSha), undefined);
          assert.is((await store.put(sha256, pieces(apk), 1e6)).created, false, 'the same one fits');
        }),
    ],
    [
      'while the bucket is away devices are served from copies, and nothing is taken for stored',
      (place, swift) =>
        withFolder(async folder => {
          const { store, pass } = await scene(place, folder);
          await store.put(sha256, pieces(apk), 1e6);
          await store.path(sha256);
          await swift.leave();
          try {
            pass(10_000);
            assert.ok((await bytesOf(await store.path(sha256))).equals(apk));
            assert.is(await codeOf(store.path(otherSha)), 'object_store_unreachable');
            assert.is(await codeOf(store.put(otherSha, pieces(other), 1e6)), 'object_store_unreachable');
            assert.is(await codeOf(store.delete(sha256)), 'object_store_unreachable');
            assert.is(await codeOf(store.probe()), 'object_store_unreachable');
            // A controller that starts now starts, and serves what it has.
            const again = await scene(place, folder);
            assert.ok((await bytesOf(await again.store.path(sha256))).equals(apk));
          } finally {
            await swift.comeBack();
          }
          pass(10_000);
          assert.ok((await store.put(otherSha, pieces(other), 1e6)).created, 'it goes on by itself');
        }),
    ],
    [
      'a store that takes connections and says nothing holds up no download for long',
      place =>
        withFolder(async folder => {
          const { store } = await scene(place, folder);
          await store.put(sha256, pieces(apk), 1e6);
          const silent = createServer(() => undefined);
          await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
          const { port } = silent.address() as AddressInfo;
          const mute = await openBucket({ ...place, endpoint: `http://127.0.0.1:${port}` });
          try {
            assert.is(await codeOf(mute.head(sha256)), 'object_store_unreachable');
            const later = await scene(place, folder);
            Object.assign(later.bucket, { head: mute.head });
            assert.ok((await bytesOf(await later.store.path(sha256))).equals(apk));
          } finally {
            mute.close();
            silent.close();
          }
        }),
    ],
    [
      'while the database is away devices are served all the same',
      place =>
        withFolder(async folder => {
          const database = { away: false };
          const { store, pass } = await scene(place, folder, { database });
          await store.put(sha256, pieces(apk), 1e6);
          database.away = true;
          pass(10_000);
          assert.ok((await bytesOf(await store.path(sha256))).equals(apk));
          assert.ok(await store.has(sha256));
        }),
    ],
    [
      'a link opens one APK to whoever has it, with a Range, and no other one; there is none without the object',
      place =>
        withFolder(async folder => {
          const { store, bucket } = await scene(place, folder);
          await store.put(sha256, pieces(apk), 1e6);
          await store.put(otherSha, pieces(other), 1e6);
          const link = (await store.link(sha256)) ?? '';
          const whole = await fetch(link);
          assert.ok(Buffer.from(await whole.arrayBuffer()).equals(apk));
          const part = await fetch(link, { headers: { range: 'bytes=1000-' } });
          assert.is(part.status, 206);
          assert.is(part.headers.get('content-range'), `bytes 1000-${apk.length - 1}/${apk.length}`);
          assert.ok(Buffer.from(await part.arrayBuffer()).equals(apk.subarray(1000)));
          assert.is((await fetch(link.replace(sha256, otherSha))).status, 403);
          assert.is((await fetch(link, { method: 'DELETE' })).status, 403);
          assert.match(link, 'X-Amz-Expires=300');
          await bucket.delete(otherSha);
          assert.is(await store.link(otherSha), undefined);
          await store.delete(sha256);
          assert.is(await store.link(sha256), undefined);
        }),
    ],
    [
      'an APK that was refused because no build declared it is fetched once one does',
      place =>
        withFolder(async here =>
          withFolder(async there => {
            await (await scene(place, here)).store.put(sha256, pieces(apk), 1e6);
            let declared = false;
            const inspect = async () => {
              if (!declared)
                throw new Fault('artifact_rejected', 'no device installs it', { retry: 'never' });
            };
            const { store } = await scene(place, there, { inspect });
            assert.is(await codeOf(store.path(sha256)), 'artifact_rejected');
            declared = true;
            assert.ok((await bytesOf(await store.path(sha256))).equals(apk));
          }),
        ),
    ],
    [
      'an upload that comes while its old object is being deleted stays',
      place =>
        withFolder(async folder => {
          const { store, bucket, pass } = await scene(place, folder);
          await store.put(sha256, pieces(apk), 1e6);
          await store.delete(sha256);
          pass(2 * HOUR_MS);
          const remove = bucket.delete;
          let uploading: Promise<unknown> | undefined;
          Object.assign(bucket, {
            delete: async (name: string) => {
              uploading = store.put(sha256, pieces(apk), 1e6);
              await new Promise(resolve => setTimeout(resolve, 300)); // the upload has all the time it takes
              await remove(name);
            },
          });
          await store.collect(new Set(), 0);
          await uploading;
          assert.is((await bucket.head(sha256))?.sizeBytes, apk.length);
          assert.ok((await bytesOf(await store.path(sha256))).equals(apk));
        }),
    ],
    [
      'a key that is refused from now on stops no device that has its copy here',
      place =>
        withFolder(async folder => {
          const { store } = await scene(place, folder);
          await store.put(sha256, pieces(apk), 1e6);
          const later = await scene(place, folder);
          const refuse = () =>
            Promise.reject(new Fault('object_store_refused', 'our key was replaced', { retry: 'backoff' }));
          Object.assign(later.bucket, { head: refuse, read: refuse, list: refuse });
          assert.ok((await bytesOf(await later.store.path(sha256))).equals(apk));
          assert.is(await codeOf(later.store.path(otherSha)), 'object_store_refused');
        }),
    ],
    [
      'an object that was deleted behind our back is offered no more, with its copy or without',
      place =>
        withFolder(async folder => {
          const { store, bucket, pass } = await scene(place, folder);
          await store.put(sha256, pieces(apk), 1e6);
          await bucket.delete(sha256);
          pass(10_000);
          assert.equal([await store.has(sha256), await store.path(sha256)], [false, undefined]);
          assert.is(await store.check(sha256), 'missing');
          assert.ok((await store.put(sha256, pieces(apk), 1e6)).created);
          assert.ok((await bytesOf(await store.path(sha256))).equals(apk));
        }),
    ],
    [
      'other bytes of the same length are served to nobody, and the copy repairs them',
      place =>
        withFolder(async here =>
          withFolder(async there => {
            const first = await scene(place, here);
            await first.store.put(sha256, pieces(apk), 1e6);
            await overwrite(place, spoilt());
            const second = await scene(place, there);
            assert.is(await second.store.path(sha256), undefined, 'a controller without a copy');
            first.pass(10_000);
            assert.is(await first.store.path(sha256), undefined, 'one that had it, until it is repaired');
            assert.is(await second.store.check(sha256), 'damaged');
            assert.is(await first.store.check(sha256), 'intact', 'a controller with one');
            assert.equal(first.repaired, [sha256]);
            second.pass(10_000);
            assert.ok((await bytesOf(await second.store.path(sha256))).equals(apk));
            await overwrite(place, apk.subarray(0, 1_000));
            first.pass(10_000);
            assert.is(await first.store.path(sha256), undefined, 'a truncated one');
            assert.is(await first.store.check(sha256), 'damaged');
            assert.not.ok((await first.store.put(sha256, pieces(apk), 1e6)).created);
            assert.ok((await bytesOf(await first.store.path(sha256))).equals(apk));
          }),
        ),
    ],
    [
      'a copy that was damaged or truncated is made anew',
      place =>
        withFolder(async folder => {
          const { store } = await scene(place, folder);
          await store.put(sha256, pieces(apk), 1e6);
          const copy = (await store.path(sha256)) ?? '';
          await truncate(copy, 1_000);
          assert.ok((await bytesOf(await store.path(sha256))).equals(apk));
          writeFileSync(copy, spoilt());
          assert.is(await store.check(sha256), 'intact', 'the bucket is');
          assert.ok((await bytesOf(await store.path(sha256))).equals(apk));
          await rm(copy);
          assert.ok((await bytesOf(await store.path(sha256))).equals(apk));
        }),
    ],
    [
      'what is collected is gone at once, its object only an hour later, and an upload in between keeps it',
      place =>
        withFolder(async folder => {
          const values = new Map<string, string>();
          const { store, bucket, pass } = await scene(place, folder, { values });
          for (const [name, bytes] of [
            [sha256, apk],
            [otherSha, other],
          ] as const)
            await store.put(name, pieces(bytes), 1e6);
          const keep = new Set([otherSha]);
          assert.equal(await store.collect(keep, Date.now() - HOUR_MS), [], 'it is young');
          const later = Date.now() + HOUR_MS;
          assert.equal(await store.collect(keep, later), [sha256]);
          assert.equal([await store.has(sha256), await store.path(sha256)], [false, undefined]);
          assert.ok(await bucket.head(sha256), 'a controller that wakes late may still want it');
          assert.ok((await store.put(sha256, pieces(apk), 1e6)).created);
          pass(2 * HOUR_MS);
          await store.collect(new Set([sha256, otherSha]), later);
          assert.ok(await bucket.head(sha256), 'it was uploaded again');
          assert.is(await store.delete(sha256), apk.length);
          assert.is(await store.delete(sha256), undefined);
          pass(2 * HOUR_MS);
          const next = await scene(place, folder, { values });
          next.pass(4 * HOUR_MS);
          await next.store.collect(keep, later);
          assert.is(await bucket.head(sha256), undefined);
        }),
    ],
    [
      'a bucket of another installation, one that is not there, a wrong key, a wrong region: each is told',
      place =>
        withFolder(async folder => {
          const { store } = await scene(place, folder);
          await store.put(sha256, pieces(apk), 1e6);
          const opened = (at: BucketPlace, owner?: string) =>
            scene(at, folder, owner === undefined ? {} : { owner }).then(
              () => 'fine',
              error => `${faultCode(error)} ${error.message}`,
            );
          assert.match(await opened(place, 'theirs'), /^artifacts_not_ours .*its own prefix/);
          assert.is(await opened({ ...place, prefix: 'theirs' }, 'theirs'), 'fine');
          assert.match(
            await opened({ ...place, bucket: 'nowhere' }),
            /^object_store_refused .*no bucket nowhere/,
          );
          assert.match(
            await opened({ ...place, region: 'eu-west-1' }),
            /^object_store_refused .*OTA_ARTIFACTS_REGION/,
          );
          process.env.AWS_SECRET_ACCESS_KEY = 'a-wrong-secret';
          const wrong = await opened(place);
          process.env.AWS_ACCESS_KEY_ID = 'test:guest';
          process.env.AWS_SECRET_ACCESS_KEY = 'guesting';
          const guest = await opened(place);
          process.env.AWS_ACCESS_KEY_ID = 'test:tester';
          process.env.AWS_SECRET_ACCESS_KEY = 'testing';
          assert.match(wrong, /^object_store_refused .*AWS_SECRET_ACCESS_KEY/);
          assert.not.match(wrong, /a-wrong-secret/);
          assert.match(guest, /^object_store_refused .*what they may do/, 'a user without rights');
        }),
    ],
  ];

if (swiftIsInstalled)
  test('APKs in a bucket', () =>
    withSwift(async swift => {
      for (const [n, [title, run]] of CASES.entries())
        try {
          await run(await swift.bucket(`case-${n}`), swift);
        } catch (error) {
          throw new Error(`${title}: ${(error as Error).message}`, { cause: error });
        }
    }));
// Swift is no package of npm: .ci/run installs it, and elsewhere the run says what it did not try.
else test.skip('Swift is not installed (see .ci/run): APKs in a bucket were not tried', () => undefined);

test.run();
