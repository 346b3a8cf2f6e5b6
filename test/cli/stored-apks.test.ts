/** Before a merge the command line says what the controller finds in the stored APKs, or that it could not ask. */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Build } from '../../controller/domain/release.ts';
import { factsOf, makeApk, testKey } from '../support/apk/index.ts';
import { ota, type Ran } from '../support/cli.ts';
import { withController } from '../support/controller.ts';
import { withFolder } from '../support/folder.ts';
import { call, sha256Of } from '../support/http.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { aPolicy, aRollout, aState } from '../support/state.ts';

const APK = 'application/vnd.android.package-archive';
const MISSING = /builds\/b42\.yaml:\d+:\d+: warning artifact_missing: the APK of build b42 is not stored/;

test('plan, validate and rollout warn of an APK that the controller does not hold, and say when they cannot know', () =>
  withController(async journey => {
    const builds = [journey.builds.b41.build, journey.builds.b42.build];
    const full = {
      current: 'b41',
      lastSafe: undefined,
      exposure: { kind: 'percent', percent: 100 },
    } as const;
    const policy = aPolicy({ approvals: [{ abovePercent: 5, approvals: 2 }] });
    await journey.merge(full, { policy });
    const releases = path.join(journey.repository.folder, 'releases');
    await writeReleases(releases, releaseFiles(aState({ builds, rollout: 10, policy })));
    const online = { cwd: journey.repository.folder, url: journey.url, token: journey.adminToken };
    const offline = { cwd: journey.repository.folder };
    const stderr = ({ out, err }: Ran): string => out + err;

    for (const verb of [['plan'], ['validate', '--base', 'HEAD'], ['rollout', '20', '--dry-run']]) {
      const known = stderr(await ota(verb, online));
      assert.not.match(known, /artifact_missing|not checked/, verb.join(' '));
      assert.match(known, /the policy requires 2 approvals of this plan/);
      const unknown = stderr(await ota(verb, offline));
      assert.match(
        unknown,
        /whether the controller has the APKs: OTA_ADMIN_TOKEN is not set/,
        verb.join(' '),
      );
      assert.match(
        stderr(await ota([...verb, '--offline'], online)),
        /whether the controller has the APKs: --offline/,
      );
    }
    const unreachable = await ota(['plan'], { ...online, url: 'http://127.0.0.1:1' });
    assert.is(unreachable.code, 0);
    assert.match(unreachable.err, /has the APKs: cannot reach the controller/);

    await rm(path.join(journey.folder, 'data', 'artifacts', `${journey.builds.b42.build.sha256}.apk`));
    for (const verb of [['plan'], ['validate', '--base', 'HEAD'], ['rollout', '20', '--dry-run']]) {
      const told = await ota(verb, online);
      assert.is(told.code, 0, 'it may still be uploaded before the merge');
      assert.match(stderr(told), MISSING, verb.join(' '));
    }
    const json = JSON.parse((await ota(['plan', '--format', 'json'], online)).out);
    assert.equal([json.approvals_needed, json.apks_unchecked], [2, null]);
  }));

test('before the merge a plan tells what the APK itself says: debuggable, not what the file declares, devices cut off', () =>
  withController(async journey => {
    await journey.merge(100);
    const apk = makeApk({ versionCode: 43, key: testKey('release'), debuggable: true, minSdk: 30 });
    const sha256 = sha256Of(apk);
    const put = await journey.admin('PUT', `/v1/artifacts/${sha256}`, { body: apk, type: APK });
    assert.is(put.status, 201);
    const releases = path.join(journey.repository.folder, 'releases');
    const facts = await factsOf(apk);
    const b43 = {
      ...journey.builds.b42.build,
      buildId: 'b43',
      versionCode: 43,
      versionName: facts.versionName,
    };
    const honest = { ...b43, sha256, sizeBytes: apk.length, minSdk: 30 };
    const [{ token } = { token: '' }] = await journey.enrol(['old-phone']);
    const checked = await call(journey.url, 'GET', '/v1/agent/update?version_code=42&sdk=28', {
      token,
    });
    assert.is(checked.status, 204);
    // The counts by SDK are kept for ten minutes.
    await journey.pass(660_000);
    const io = { cwd: journey.repository.folder, url: journey.url, token: journey.adminToken };
    const rollout = aRollout({ current: 'b43', lastSafe: 'b42' });
    const write = (build: Build) =>
      writeReleases(releases, releaseFiles(aState({ builds: [journey.builds.b42.build, build], rollout })));

    await write(honest);
    for (const verb of [['plan'], ['validate', '--base', 'HEAD'], ['rollout', '20', '--dry-run']]) {
      const told = await ota(verb, io);
      assert.is(told.code, 0, verb.join(' '));
      assert.match(told.out + told.err, /b43\.yaml:\d+:\d+: warning artifact_concern: .*debuggable/);
      assert.match(
        told.out + told.err,
        /min_sdk is 30, which 1 device of 1 with a known SDK does not reach: it is not offered/,
      );
    }

    await write({ ...honest, versionName: '9.9.9' });
    const told = await ota(['validate', '--base', 'HEAD'], io);
    assert.is(told.code, 1, 'the merge would be refused');
    assert.match(told.out, /error artifact_mismatch: version_name is 9\.9\.9 here/);
  }));

test('an older controller without this route is reported, and the files are still judged', () =>
  withFolder(async folder => {
    await writeReleases(path.join(folder, 'releases'), releaseFiles(aState({ rollout: 10 })));
    const older = createServer((_, res) => {
      res.writeHead(404, { 'content-type': 'application/problem+json' });
      res.end('{"code":"not_found","title":"Not Found","status":404,"detail":"no route matches this path"}');
    }).listen(0, '127.0.0.1');
    await once(older, 'listening');
    try {
      const url = `http://127.0.0.1:${(older.address() as AddressInfo).port}`;
      const { code, out, err } = await ota(['validate'], { cwd: folder, url, token: 'ota_admin_x' });
      assert.is(code, 0, out + err);
      assert.match(
        out + err,
        /whether the controller has the APKs: the controller is older than this command/,
      );
    } finally {
      older.close();
    }
  }));

test('builds that are already merged are not checked again', () =>
  withController(async journey => {
    await journey.merge(10);
    const { out, err } = await ota(['rollout', '20', '--dry-run'], { cwd: journey.repository.folder });
    assert.not.match(out + err, /APKs/);
  }));

test.run();
