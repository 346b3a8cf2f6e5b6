/** Admission: advertised is served (SPEC §7). */
import { rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bufferReader } from '../../controller/apk/index.ts';
import { makeAdmission } from '../../controller/artifacts/admission.ts';
import { openDiskArtifacts } from '../../controller/artifacts/disk.ts';
import { openFileReader } from '../../controller/artifacts/file-reader.ts';
import { makeFleetSdks } from '../../controller/artifacts/fleet-sdks.ts';
import { inspectApk } from '../../controller/artifacts/inspect.ts';
import { Fault } from '../../controller/domain/fault.ts';
import type { Build, DesiredState } from '../../controller/domain/release.ts';
import type { Artifacts, ScannedDevice } from '../../controller/ports/index.ts';
import { makeApk, testKey } from '../support/apk/index.ts';
import { withFolder } from '../support/folder.ts';
import { anApk, pieces, sha256Of } from '../support/http.ts';
import { aState, hexOf, NOW_MS } from '../support/state.ts';

const [b41, b42] = [await anApk(41), await anApk(42)];

interface Scene {
  readonly artifacts: Awaited<ReturnType<typeof openDiskArtifacts>>;
  readonly admission: ReturnType<typeof makeAdmission>;
  readonly folder: string;
  /** How often an APK's bytes were opened. */
  readonly opened: () => number;
  /** Lets the disk return other bytes of b42 from now on, with the same size and times. */
  readonly rot: () => void;
  readonly pass: (ms: number) => void;
}

const withScene = (use: (scene: Scene) => Promise<void>): Promise<void> =>
  withFolder(async place => {
    const folder = path.join(place, 'artifacts');
    const artifacts = await openDiskArtifacts({
      folder,
      quotaBytes: 1e9,
      inspect: file => inspectApk(file, async () => false),
      nowMs: () => NOW_MS,
    });
    let opened = 0;
    let rotten = false;
    let monotonicMs = 0;
    const openReader = async (file: string) => {
      opened += 1;
      if (!rotten || !file.includes(b42.build.sha256)) return openFileReader(file);
      const bytes = Buffer.from(b42.apk);
      bytes[200] = (bytes[200] ?? 0) ^ 1;
      return { ...bufferReader(bytes), close: async () => undefined };
    };
    for (const { apk, build } of [b41, b42]) await artifacts.put(build.sha256, pieces(apk), 1e9);
    const admission = makeAdmission({ artifacts, openReader, monotonicMs: () => monotonicMs });
    await use({
      artifacts,
      admission,
      folder,
      opened: () => opened,
      rot: () => {
        rotten = true;
      },
      pass: ms => {
        monotonicMs += ms;
      },
    });
  });

const stands = (state: DesiredState, former: readonly Build[] = []) => ({
  state,
  formerBuilds: new Map(former.map(build => [build.buildId, build])),
});

const stateOf = (over: Partial<Build> = {}) =>
  aState({ rollout: 10, builds: [b41.build, { ...b42.build, ...over }] });

test('a state whose APKs are stored and agree is admitted', () =>
  withScene(async ({ admission }) => {
    assert.equal(await admission.admit(stateOf()), []);
    assert.equal([...(await admission.missing(stateOf()))], []);
  }));

test('each fact that the APK does not have is a finding at its key', () =>
  withScene(async ({ admission }) => {
    const wrong: [Partial<Build>, string][] = [
      [{ package: 'com.other' }, 'package'],
      [{ versionCode: 99 }, 'version_code'],
      [{ versionName: '9.9' }, 'version_name'],
      [{ minSdk: 21 }, 'min_sdk'],
      [{ sizeBytes: 1 }, 'size_bytes'],
      [{ signerFingerprint: hexOf('another key') }, 'signer_fingerprint'],
      [{ signerLineage: [hexOf('an older key')] }, 'signer_lineage'],
      [{ signers: [{ minSdk: 33, fingerprint: hexOf('another key') }] }, 'signers'],
    ];
    for (const [over, key] of wrong) {
      const findings = await admission.admit(stateOf(over));
      assert.equal(
        findings.map(f => [f.code, f.file, f.path.join(), f.severity]),
        [['artifact_mismatch', 'builds/b42.yaml', key, 'error']],
      );
    }
    const both = await admission.admit(stateOf({ package: 'com.other', versionCode: 99 }));
    assert.is(both.length, 2);
  }));

test('a build whose APK is not stored may not be promoted', () =>
  withScene(async ({ admission, artifacts }) => {
    await rm((await artifacts.path(b42.build.sha256)) ?? '');
    const findings = await admission.admit(stateOf());
    assert.equal(
      findings.map(f => [f.code, f.path.join()]),
      [['artifact_missing', 'sha256']],
    );
    assert.match(findings[0]?.hint ?? '', /ota build add/);
  }));

test('a build that nobody may be offered needs no APK', () =>
  withScene(async ({ admission, artifacts }) => {
    await rm((await artifacts.path(b42.build.sha256)) ?? '');
    assert.equal(await admission.admit(stateOf({ withdrawn: { reason: 'crash', atMs: NOW_MS } })), []);
    const unnamed = aState({
      rollout: { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } },
      builds: [b41.build, b42.build],
    });
    assert.equal(await admission.admit(unnamed), []);
  }));

test('an APK lost after admission is missing, and does not hold up the commit that reverts it', () =>
  withScene(async ({ admission, artifacts }) => {
    const standing = stateOf();
    await rm((await artifacts.path(b42.build.sha256)) ?? '');
    assert.equal([...(await admission.missing(standing))], [b42.build.sha256]);
    const reverted = aState({ rollout: { rollback: true }, builds: [b41.build, b42.build] });
    assert.equal(await admission.admit(reverted, stands(standing)), []);
  }));

test('a stored APK that was cut short is missing and refused', () =>
  withScene(async ({ admission, artifacts }) => {
    await truncate((await artifacts.path(b42.build.sha256)) ?? '', 100);
    assert.equal([...(await admission.missing(stateOf()))], [b42.build.sha256]);
    assert.equal(
      (await admission.admit(stateOf())).map(f => f.code),
      ['artifact_rejected'],
    );
  }));

test('an APK whose bytes rotted since is offered no more, and does not hold up the commit that reverts it', () =>
  withScene(async ({ admission, artifacts }) => {
    const standing = stateOf();
    assert.equal([...(await admission.missing(standing))], []);
    const rotten = Buffer.from(b42.apk);
    rotten[200] = (rotten[200] ?? 0) ^ 1;
    await writeFile((await artifacts.path(b42.build.sha256)) ?? '', rotten);
    assert.equal([...(await admission.missing(standing))], [b42.build.sha256]);
    const reverted = aState({ rollout: { rollback: true }, builds: [b41.build, b42.build] });
    assert.equal(await admission.admit(reverted, stands(standing)), []);
    assert.is((await admission.admit(reverted, undefined)).length, 1);
  }));

test('an APK that cannot be read is missing, not a crash', () =>
  withScene(async ({ artifacts }) => {
    const unreadable = makeAdmission({
      artifacts,
      monotonicMs: () => 0,
      openReader: async () => {
        throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
      },
    });
    assert.is((await unreadable.missing(stateOf())).size, 2);
  }));

test('an unchanged APK is verified once, a changed file again', () =>
  withScene(async ({ admission, artifacts, opened }) => {
    for (let pass = 0; pass < 3; pass++) await admission.admit(stateOf());
    assert.is(opened(), 2);
    const file = (await artifacts.path(b42.build.sha256)) ?? '';
    const tampered = Buffer.from(b42.apk);
    tampered[200] = (tampered[200] ?? 0) ^ 1;
    await writeFile(file, tampered);
    assert.is((await admission.admit(stateOf())).length, 1);
    assert.is(opened(), 3);
  }));

/** A build of an APK that no device installs, stored as an older controller took it. */
async function testOnly(artifacts: Artifacts, folder: string): Promise<Build> {
  const apk = makeApk({ versionCode: 43, key: testKey('release'), testOnly: true, debuggable: true });
  const sha256 = sha256Of(apk);
  const refused = await artifacts.put(sha256, pieces(apk), 1e9).catch((error: unknown) => error);
  assert.ok(refused instanceof Fault && refused.code === 'artifact_rejected');
  assert.match(refused.message, /android:testOnly="true".*assembleRelease/);
  await writeFile(path.join(folder, `${sha256}.apk`), apk);
  return {
    ...b42.build,
    buildId: 'b43',
    versionCode: 43,
    versionName: '43.0.0',
    sizeBytes: apk.length,
    sha256,
  };
}

test('a new build that no device installs is refused; one that was declared before is warned of', () =>
  withScene(async ({ admission, artifacts, folder }) => {
    const b43 = await testOnly(artifacts, folder);
    const promoted = aState({ rollout: { current: 'b43', lastSafe: 'b41' }, builds: [b41.build, b43] });
    const told = async (standing?: ReturnType<typeof stands>) =>
      (await admission.admit(promoted, standing)).map(f => [f.severity, f.code, f.file, f.path.join()]);
    const refusal = ['error', 'artifact_not_installable', 'builds/b43.yaml', 'sha256'];
    const caution = ['warning', 'artifact_concern', 'builds/b43.yaml', 'sha256'];
    assert.equal(await told(), [refusal, caution]);
    assert.equal(await told(stands(stateOf())), [refusal, caution]);
    const warning = ['warning', ...refusal.slice(1)];
    assert.equal(await told(stands(promoted)), [warning], 'it stands');
    const declared = aState({ rollout: 10, builds: [b41.build, b42.build, b43] });
    assert.equal(await told(stands(declared)), [warning], 'it was declared, and is promoted now');
    assert.equal(await told(stands(stateOf(), [b43])), [warning], 'it was declared once');
    assert.equal([...(await admission.missing(promoted))], [], 'what stands is still offered');
    const [finding] = await admission.admit(promoted);
    assert.match(finding?.message ?? '', /android:testOnly="true".*\(test_only\)/);
    assert.match(finding?.hint ?? '', /assembleRelease/);
  }));

test('a min_sdk above some devices is a warning, unless the applied build already excludes them', () =>
  withScene(async ({ artifacts }) => {
    const sdks = [24, 25, 26, 33, undefined];
    let scans = 0;
    let monotonicMs = 0;
    const scan = async () => {
      scans += 1;
      return sdks.map((sdk, i) => ({ deviceId: `d-${i}`, sdk }) as ScannedDevice);
    };
    const fleet = makeFleetSdks({ scan }, () => monotonicMs);
    const admission = makeAdmission({ artifacts, monotonicMs: () => monotonicMs, fleet });
    const [finding, ...more] = (await admission.admit(stateOf())).filter(f => f.path.join() === 'min_sdk');
    assert.equal(
      [finding?.severity, finding?.code, finding?.file],
      ['warning', 'artifact_concern', 'builds/b42.yaml'],
    );
    assert.match(
      finding?.message ?? '',
      /min_sdk is 26, which 2 devices of 4 with a known SDK do not reach: they are not offered/,
    );
    assert.is(more.length, 1, 'one a build');
    const standing = stands(
      aState({ rollout: { current: 'b41', lastSafe: undefined }, builds: [b41.build] }),
    );
    assert.equal(await admission.admit(stateOf(), standing), []);
    assert.is(scans, 1, 'the fleet is counted once in ten minutes');
    monotonicMs += 600_001;
    sdks.splice(0, 2);
    assert.equal(await admission.admit(stateOf()), []);
    assert.is(scans, 2);
  }));

test('a fleet of several pages is counted whole, and a count that failed is tried again', async () => {
  const ids = Array.from({ length: 2500 }, (_, i) => `d-${String(i).padStart(4, '0')}`);
  let failing = true;
  const scan = async ({ after = '', limit }: { after?: string | undefined; limit: number }) => {
    if (failing) throw new Fault('store_busy', 'busy', { retry: 'backoff' });
    return ids
      .filter(id => id > after)
      .slice(0, limit)
      .map(deviceId => ({ deviceId, sdk: 30 }) as ScannedDevice);
  };
  const fleet = makeFleetSdks({ scan }, () => 0);
  assert.ok((await fleet(31).catch((error: unknown) => error)) instanceof Fault);
  failing = false;
  assert.equal(await fleet(31), { below: 2500, known: 2500 });
  assert.equal(await fleet(30), { below: 0, known: 2500 });
});

test('the APK of an applied build can always be uploaded again', () =>
  withFolder(async place => {
    const apk = makeApk({ versionCode: 43, key: testKey('release'), testOnly: true });
    const file = path.join(place, 'app.apk');
    await writeFile(file, apk);
    await inspectApk(file, async () => true);
    apk[200] = (apk[200] ?? 0) ^ 1;
    await writeFile(file, apk);
    const refused = await inspectApk(file, async () => true).catch((error: unknown) => error);
    assert.ok(refused instanceof Fault && refused.code === 'artifact_rejected');
  }));

test('a promotion reads the bytes again, also when size and times of the file are the same', () =>
  withScene(async ({ admission, opened, rot, pass }) => {
    assert.equal(await admission.admit(stateOf()), []);
    rot();
    pass(61_000);
    assert.equal(
      (await admission.admit(stateOf())).map(f => [f.file, f.code]),
      [['builds/b42.yaml', 'artifact_rejected']],
    );
    assert.is(opened(), 4);
    await admission.admit(stateOf());
    assert.is(opened(), 4, 'an attempt that is judged again within a minute reads nothing');
  }));

test('bytes that rotted in silence are found once the verdict on them is forgotten', () =>
  withScene(async ({ admission, rot, pass }) => {
    await admission.missing(stateOf());
    rot();
    pass(3_600_000);
    assert.is((await admission.missing(stateOf())).size, 0, 'size and times are the same');
    admission.distrust(b42.build.sha256);
    assert.equal([...(await admission.missing(stateOf()))], [b42.build.sha256]);
  }));

test('a store whose folder is gone misses its APKs, and takes them again', () =>
  withScene(async ({ artifacts, admission, folder }) => {
    for (const stand of ['nothing', 'a file']) {
      await rm(folder, { recursive: true });
      if (stand === 'a file') await writeFile(folder, 'no folder');
      assert.is((await admission.missing(stateOf())).size, 2, stand);
      const codes = (await admission.admit(stateOf())).map(f => f.code);
      assert.equal(codes, ['artifact_missing', 'artifact_missing'], stand);
      const put = () => artifacts.put(b42.build.sha256, pieces(b42.apk), 1e9);
      if (stand === 'nothing') assert.ok((await put()).created);
      else {
        const error = await put().catch((thrown: unknown) => thrown);
        assert.ok(error instanceof Fault && error.code === 'artifact_io' && error.retry === 'backoff');
        const list = await artifacts.list().catch((thrown: unknown) => thrown);
        assert.ok(list instanceof Fault && list.code === 'artifact_io');
      }
    }
  }));

test('an APK that disappears while it is read is a fault of the disk', () =>
  withScene(async ({ artifacts }) => {
    for (const openReader of [
      async (file: string) => {
        await rm(file);
        return openFileReader(file);
      },
      async (file: string) => {
        const reader = await openFileReader(file);
        await truncate(file, 10);
        return reader;
      },
    ]) {
      const error = await makeAdmission({ artifacts, openReader, monotonicMs: () => 0 })
        .admit(stateOf())
        .catch((thrown: unknown) => thrown);
      assert.ok(error instanceof Fault && error.code === 'artifact_io', String(error));
    }
  }));

test.run();
