/** The loop of SPEC §7 on a real repository, database and artifact store. */
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { effectivePercent } from '../../controller/domain/decision.ts';
import { withController } from '../support/controller.ts';
import { until } from '../support/folder.ts';
import { call } from '../support/http.ts';
import { releaseFiles } from '../support/releases.ts';
import { aCohort, aRamp, aState } from '../support/state.ts';

const HOUR = 3_600_000;

interface RolloutView {
  readonly revision: string;
  readonly exposure: { readonly declared_percent: number; readonly effective_percent: number };
  readonly reconcile: {
    readonly applied_revision: string | null;
    readonly attempted_revision: string | null;
    readonly problems: readonly { readonly code: string; readonly file: string; readonly line: number }[];
    readonly source_fault: string | null;
    readonly clock_held: boolean;
  };
}

test('before the first revision checks answer 503 with Retry-After and the controller is not ready', () =>
  withController(async journey => {
    const [device] = await journey.enrol(['d-1']);
    const answer = await call(journey.url, 'GET', '/v1/agent/update?version_code=41', {
      token: device?.token,
    });
    assert.is(answer.status, 503);
    assert.ok(Number(answer.headers['retry-after']) > 0);
    assert.is((await call(journey.url, 'GET', '/readyz')).status, 503);
    await journey.merge(10);
    assert.is((await call(journey.url, 'GET', '/readyz')).status, 200);
  }));

test('a revision that breaks while a good one is served changes nothing and says where it is wrong', () =>
  withController(async journey => {
    const good = await journey.merge(10);
    const files = releaseFiles(
      aState({ builds: [journey.builds.b41.build, journey.builds.b42.build], rollout: 50 }),
    );
    const bad = await journey.commitFiles({
      ...files,
      'rollout.yaml': `${files['rollout.yaml']}rolout_percent: 50\n`,
    });
    const view = (await journey.admin('GET', '/v1/rollout')).json as RolloutView;
    assert.is(view.revision, good);
    assert.is(view.reconcile.applied_revision, good);
    assert.is(view.reconcile.attempted_revision, bad);
    assert.is(view.exposure.declared_percent, 10);
    assert.is(view.reconcile.problems[0]?.code, 'unknown_key');
    assert.is(view.reconcile.problems[0]?.file, 'rollout.yaml');
    assert.ok((view.reconcile.problems[0]?.line ?? 0) > 1);
    await journey.merge(50);
    const healed = (await journey.admin('GET', '/v1/rollout')).json as RolloutView;
    assert.is(healed.exposure.declared_percent, 50);
    assert.equal(healed.reconcile.problems, []);
  }));

test('a build whose APK is not stored is not admitted; uploading it admits the same revision', () =>
  withController(async journey => {
    const good = await journey.merge({
      current: 'b41',
      lastSafe: undefined,
      exposure: { kind: 'percent', percent: 100 },
    });
    const sha256 = journey.builds.b42.build.sha256;
    await rm(path.join(journey.folder, 'data', 'artifacts', `${sha256}.apk`));
    await journey.merge(10);
    const status = journey.controller.reconcile.status();
    assert.is(status.appliedRevision, good);
    assert.equal(
      status.problems.map(p => p.code),
      ['artifact_missing'],
    );
    const put = await journey.admin('PUT', `/v1/artifacts/${sha256}`, {
      body: journey.builds.b42.apk,
      type: 'application/vnd.android.package-archive',
    });
    assert.ok(put.status < 300);
    await journey.controller.reconcile.run();
    assert.equal(journey.controller.reconcile.status().problems, []);
    assert.is(journey.controller.reconcile.snapshot?.rollout.current, 'b42');
  }));

test('an APK whose facts disagree with its YAML is not admitted', () =>
  withController(async journey => {
    const b42 = { ...journey.builds.b42.build, versionName: '9.9.9', minSdk: 30 };
    await journey.merge(10, { builds: [journey.builds.b41.build, b42] });
    const { problems } = journey.controller.reconcile.status();
    assert.equal([...new Set(problems.map(p => p.code))], ['artifact_mismatch']);
    assert.equal(problems.map(p => p.path).sort(), ['min_sdk', 'version_name']);
    assert.ok(problems.every(p => p.file === 'builds/b42.yaml' && p.line > 1));
  }));

test('an APK lost after admission holds artifact_missing until it is back', () =>
  withController(async journey => {
    await journey.merge(100);
    const [device] = await journey.enrol(['d-1']);
    const check = () =>
      call(journey.url, 'GET', '/v1/agent/update?version_code=41', { token: device?.token });
    assert.is((await check()).status, 200);
    const file = path.join(journey.folder, 'data', 'artifacts', `${journey.builds.b42.build.sha256}.apk`);
    await rename(file, `${file}.away`);
    await journey.controller.reconcile.run();
    const held = await check();
    assert.is(held.status, 204);
    assert.is(held.headers['ota-decision'], 'artifact_missing');
    assert.ok(journey.log.some(l => l.event === 'ota.artifact.lost' && l.build_id === 'b42'));
    await rename(`${file}.away`, file);
    await journey.controller.reconcile.run();
    assert.is((await check()).status, 200);
  }));

test('rewritten history is held until an operator accepts exactly that revision; the same tree needs no acceptance', () =>
  withController(async journey => {
    const first = await journey.merge(10);
    await journey.merge(20);
    await journey.repository.git('reset', '--hard', '--quiet', first);
    await journey.repository.git('commit', '--amend', '--quiet', '--allow-empty', '--message', 'rewritten');
    const rewritten = await journey.repository.git('rev-parse', 'HEAD');
    await journey.controller.reconcile.run();
    assert.is(journey.controller.reconcile.status().problems[0]?.code, 'history_rewritten');
    assert.is(
      (await journey.admin('GET', '/v1/rollout').then(a => a.json as RolloutView)).exposure.declared_percent,
      20,
    );
    const accepted = await journey.admin('POST', '/v1/reconcile', { json: { accept_rewrite: rewritten } });
    assert.is(accepted.status, 200);
    assert.is(journey.controller.reconcile.snapshot?.revision, rewritten);
    assert.is(
      journey.log.some(l => l.event === 'ota.admin' && l.action === 'reconcile.accept_rewrite'),
      true,
    );
    await journey.repository.git('commit', '--amend', '--quiet', '--allow-empty', '--message', 'same tree');
    const same = await journey.repository.git('rev-parse', 'HEAD');
    await journey.controller.reconcile.run();
    assert.is(journey.controller.reconcile.snapshot?.revision, same);
    assert.equal(journey.controller.reconcile.status().problems, []);
  }));

test('a repository that vanishes never stops checks, and governs again when it is back', () =>
  withController(async journey => {
    await journey.merge(100);
    const [device] = await journey.enrol(['d-1']);
    const check = () =>
      call(journey.url, 'GET', '/v1/agent/update?version_code=41', { token: device?.token });
    await rename(journey.repository.folder, `${journey.repository.folder}.away`);
    await journey.controller.reconcile.run();
    assert.is(journey.controller.reconcile.status().sourceFault, 'source_unreachable');
    assert.is((await check()).status, 200);
    await journey.restart();
    const again = await call(journey.url, 'GET', '/v1/agent/update?version_code=41', {
      token: device?.token,
    });
    assert.is(again.status, 200);
    await rename(`${journey.repository.folder}.away`, journey.repository.folder);
    await journey.merge({ rollback: true });
    assert.is(journey.controller.reconcile.status().sourceFault, undefined);
    assert.is((await check()).status, 204);
  }));

test('after a restart the snapshot comes from the store, before the first fetch', () =>
  withController(async journey => {
    const revision = await journey.merge(100);
    await rename(journey.repository.folder, `${journey.repository.folder}.away`);
    await journey.restart();
    assert.is(journey.controller.reconcile.snapshot?.revision, revision);
    await rename(`${journey.repository.folder}.away`, journey.repository.folder);
  }));

test('the warnings of the standing revision outlive a restart and a rejected revision', () =>
  withController(async journey => {
    const codes = () => journey.controller.reconcile.status().problems.map(p => p.code);
    const cohorts = [aCohort('lab', { tags: ['lab'] })];
    const good = await journey.merge(10, { cohorts });
    assert.equal(codes(), ['cohort_unused']);
    await rename(journey.repository.folder, `${journey.repository.folder}.away`);
    await journey.restart();
    assert.equal(codes(), ['cohort_unused']);
    await rename(`${journey.repository.folder}.away`, journey.repository.folder);
    await journey.controller.reconcile.run();
    assert.equal(codes(), ['cohort_unused']);
    await journey.merge({ current: 'b99', cohortSeed: 'b99:0' }, { cohorts });
    assert.equal([...new Set(codes())].sort(), ['cohort_unused', 'unknown_build']);
    await journey.repository.git('reset', '--hard', '--quiet', good);
    await journey.controller.reconcile.run();
    assert.equal(codes(), ['cohort_unused']);
  }));

test('the age of the source grows while it is away, also from a start that never reached it', () =>
  withController(async journey => {
    await journey.merge(100);
    const age = () => journey.metric('ota_source_age_seconds');
    assert.ok((await age()) < 60);
    await rename(journey.repository.folder, `${journey.repository.folder}.away`);
    // A pass that a hint began before must not read the source once time has moved.
    await journey.controller.reconcile.run();
    assert.is(journey.controller.reconcile.status().sourceFault, 'source_unreachable');
    await journey.pass(10 * 60_000);
    assert.ok((await age()) >= 600);
    await journey.restart();
    await journey.pass(20 * 60_000);
    assert.ok((await age()) >= 1_200);
    await rename(`${journey.repository.folder}.away`, journey.repository.folder);
    await journey.controller.reconcile.run();
    assert.ok((await age()) < 60);
  }));

test('a ramp without a gate moves by time, each step is reported, and a restart does not restart the ramp', () =>
  withController(async journey => {
    const steps = aRamp(undefined, [1, 4], [10, 24], [100]);
    await journey.merge({ exposure: steps });
    const exposure = async () =>
      ((await journey.admin('GET', '/v1/rollout')).json as RolloutView).exposure.effective_percent;
    assert.is(await exposure(), 1);
    await journey.pass(4 * HOUR + 60_000);
    assert.is(await exposure(), 10);
    await journey.restart();
    assert.is(await exposure(), 10);
    await journey.pass(24 * HOUR);
    assert.is(await exposure(), 100);
    const told = journey.log
      .filter(l => l.event === 'ota.rollout.update' && l.by === 'time')
      .map(l => l.to_percent);
    assert.equal(told, [10, 100]);
  }));

test('a ramp begins again at its first step when the database is lost', () =>
  withController(async journey => {
    await journey.merge({ exposure: aRamp(undefined, [1, 4], [10, 24], [100]) });
    await journey.pass(5 * HOUR);
    // A later commit that leaves the ramp as it is does not restart it either.
    await journey.merge({ exposure: aRamp(undefined, [1, 4], [10, 24], [100]), reason: 'a remark' });
    await journey.restart({
      OTA_DATA: path.join(journey.folder, 'data-2'),
      OTA_ARTIFACTS_IMPORT: path.join(journey.folder, 'data', 'artifacts'),
    });
    await until('the first pass', () => journey.controller.reconcile.snapshot !== undefined);
    const snapshot = journey.controller.reconcile.snapshot;
    if (snapshot === undefined) throw new Error('a snapshot');
    assert.is(snapshot.rollout.reason, 'a remark');
    assert.is(effectivePercent(snapshot, journey.controller.clock.nowMs()), 1);
    const { problems } = journey.controller.reconcile.status();
    assert.equal(
      problems.map(p => p.code),
      ['ramp_restarts'],
    );
  }));

test('a suspend freezes the ramp where it stands, and lifting it early loses no time', () =>
  withController(async journey => {
    const startMs = Math.floor(Date.now() / 1000) * 1000;
    const ramp = aRamp(startMs, [1, 4], [10, 24], [100]);
    const exposure = async () =>
      ((await journey.admin('GET', '/v1/rollout')).json as RolloutView).exposure.effective_percent;
    await journey.merge({ exposure: ramp });
    await journey.pass(2 * HOUR);
    const sinceMs = startMs + 2 * HOUR;
    await journey.merge({
      exposure: ramp,
      suspend: { reason: 'wait', sinceMs, untilMs: sinceMs + 48 * HOUR },
    });
    assert.is(await exposure(), 0);
    await journey.pass(10 * HOUR);
    assert.is(await exposure(), 0);
    await journey.merge({ exposure: ramp });
    assert.is(await exposure(), 1);
    await journey.pass(1.9 * HOUR);
    assert.is(await exposure(), 1);
    await journey.pass(0.2 * HOUR);
    assert.is(await exposure(), 10);
  }));

test('a merge governs the next check as soon as the source hints at it', () =>
  withController(async journey => {
    await journey.merge(100);
    const [device] = await journey.enrol(['d-1']);
    const files = releaseFiles(
      aState({ builds: [journey.builds.b41.build, journey.builds.b42.build], rollout: { rollback: true } }),
    );
    await journey.repository.commit(files, { atMs: Date.now() });
    await until('the rollback', async () => {
      const answer = await call(journey.url, 'GET', '/v1/agent/update?version_code=41', {
        token: device?.token,
      });
      return answer.headers['ota-decision'] === 'up_to_date';
    });
  }));

test('one controller locks the data folder', () =>
  withController(async journey => {
    const { startController } = await import('../../controller/compose/controller.ts');
    const { readSettings } = await import('../../controller/settings/read.ts');
    const { makeObserver } = await import('../../controller/observe/observe.ts');
    const settings = readSettings({ OTA_DATA: path.join(journey.folder, 'data'), OTA_PORT: '0' });
    const runtime = {
      environment: {},
      observer: makeObserver({ level: 'silent', destination: { write: () => undefined } }),
      wallMs: Date.now,
      monotonicMs: () => performance.now(),
      random: Math.random,
      version: 'test',
    };
    try {
      await startController(settings, runtime);
      assert.unreachable();
    } catch (error) {
      assert.is((error as { code?: string }).code, 'data_folder_locked');
    }
  }));

test.run();
