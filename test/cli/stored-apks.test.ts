/** Before a merge the command line says whether the controller holds the APKs, or that it could not ask. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota, type Ran } from '../support/cli.ts';
import { withController } from '../support/controller.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { aPolicy, aState } from '../support/state.ts';

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
      assert.match(known, /the policy asks for 2 approvals of this plan/);
      const unknown = stderr(await ota(verb, offline));
      assert.match(unknown, /APKs was not checked: OTA_ADMIN_TOKEN is not set/, verb.join(' '));
      assert.match(stderr(await ota([...verb, '--offline'], online)), /not checked: --offline/);
    }
    const unreachable = await ota(['plan'], { ...online, url: 'http://127.0.0.1:1' });
    assert.is(unreachable.code, 0);
    assert.match(unreachable.err, /not checked: cannot reach the controller/);

    await rm(path.join(journey.folder, 'data', 'artifacts', `${journey.builds.b42.build.sha256}.apk`));
    for (const verb of [['plan'], ['validate', '--base', 'HEAD'], ['rollout', '20', '--dry-run']]) {
      const told = await ota(verb, online);
      assert.is(told.code, 0, 'it may still be uploaded before the merge');
      assert.match(stderr(told), MISSING, verb.join(' '));
    }
    const json = JSON.parse((await ota(['plan', '--format', 'json'], online)).out);
    assert.equal([json.approvals_needed, json.apks_unchecked], [2, null]);
  }));

test('what stands already is not asked about again', () =>
  withController(async journey => {
    await journey.merge(10);
    const { out, err } = await ota(['rollout', '20', '--dry-run'], { cwd: journey.repository.folder });
    assert.not.match(out + err, /APKs/);
  }));

test.run();
