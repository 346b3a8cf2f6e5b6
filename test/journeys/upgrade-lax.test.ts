/**
 * An upgrade of a repository that breaks each rule made since 0.1 (test/fixtures/installation-0.1-lax): what stands goes
 * on, the way back passes, and only what is new is refused.
 */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withFolder } from '../support/folder.ts';
import { call, sha256Of } from '../support/http.ts';
import { type Restarted, restarted } from '../support/installation.ts';
import { gitEnvironment } from '../support/repository.ts';

const FIXTURE = path.resolve(import.meta.dirname, '../fixtures/installation-0.1-lax');
const STOPPED_MS = Date.parse('2026-06-01T09:00:00Z');
const NEW_RULES = ['ambiguous_number', 'artifact_not_installable', 'build_id_case', 'version_name_invalid'];

interface Upgraded extends Restarted {
  /** Writes these files below releases/ (undefined: removes), commits, and lets the controller judge it. */
  commit(files: Readonly<Record<string, string | undefined>>): Promise<Judged>;
  read(file: string): Promise<string>;
  /** What a device that runs b41 is answered: the build, or why there is none. */
  offered(deviceId: string): Promise<string>;
  /** The APK that it may fetch, as its hash. */
  fetched(deviceId: string, buildId: string): Promise<string>;
}

interface Judged {
  readonly applied: boolean;
  /** `severity code file`, each once. */
  readonly said: readonly string[];
}

const upgraded = (use: (upgraded: Upgraded) => Promise<void>): Promise<void> =>
  withFolder(async place => {
    const [folder, repository] = [path.join(place, 'data'), path.join(place, 'repository')];
    await mkdir(folder, { mode: 0o700 });
    for (const name of ['ota.db', 'token-key', 'nudge-key', 'admin-token', 'artifacts'])
      await cp(path.join(FIXTURE, name), path.join(folder, name), { recursive: true });
    const git = (...args: string[]): string => {
      const who = { NAME: 'A. Releaser', EMAIL: 'releaser@example.com', DATE: `${STOPPED_MS / 1000} +0000` };
      const roles = ['AUTHOR', 'COMMITTER'].flatMap(role =>
        Object.entries(who).map(([key, value]) => [`GIT_${role}_${key}`, value]),
      );
      const env = { ...gitEnvironment(place), ...Object.fromEntries(roles) };
      return execFileSync('git', ['-C', repository, ...args], { env, encoding: 'utf8' }).trim();
    };
    execFileSync(
      'git',
      ['clone', '--quiet', '--branch', 'main', path.join(FIXTURE, 'releases.bundle'), repository],
      {
        env: gitEnvironment(place),
      },
    );
    const enrolled = JSON.parse(await readFile(path.join(FIXTURE, 'devices.json'), 'utf8')) as {
      device_id: string;
      token: string;
    }[];
    const tokenOf = (deviceId: string): string => enrolled.find(d => d.device_id === deviceId)?.token ?? '';
    const releases = (file: string): string => path.join(repository, 'releases', file);
    const installation = { folder, facts: { stoppedAtMs: STOPPED_MS } };
    await restarted(
      installation,
      running => {
        const { controller } = running;
        return use({
          ...running,
          read: file => readFile(releases(file), 'utf8'),
          commit: async files => {
            for (const [file, content] of Object.entries(files))
              if (content === undefined) await rm(releases(file));
              else await writeFile(releases(file), content);
            git('add', '--all');
            git('commit', '--quiet', '--message', 'change releases');
            const status = await controller.reconcile.run();
            const said = status.problems.map(p => `${p.severity} ${p.code} ${p.file}`);
            return {
              applied: status.appliedRevision === git('rev-parse', 'HEAD'),
              said: [...new Set(said)].sort(),
            };
          },
          offered: async deviceId => {
            const target = '/v1/agent/update?version_code=41&build_id=b41&sdk=33';
            const answer = await call(controller.url, 'GET', target, { token: tokenOf(deviceId) });
            return answer.status === 200 ? answer.json.build_id : String(answer.headers['ota-decision']);
          },
          fetched: async (deviceId, buildId) => {
            const target = `/v1/agent/builds/${buildId}/apk`;
            return sha256Of((await call(controller.url, 'GET', target, { token: tokenOf(deviceId) })).body);
          },
        });
      },
      { source: pathToFileURL(repository).href },
    );
  });

const codesOf = (said: readonly string[], severity: string): string[] =>
  [...new Set(said.filter(s => s.startsWith(`${severity} `)).map(s => s.split(' ')[1] ?? ''))].sort();

test('after the upgrade devices are offered what they were offered before, with the source read or away', () =>
  upgraded(async ({ controller, offered, fetched, read }) => {
    assert.equal([await offered('kiosk-1'), await offered('kiosk-2')], ['b42', 'outside_cohort']);
    const status = await controller.reconcile.run();
    assert.is(status.appliedRevision, status.attemptedRevision);
    assert.is(status.problems.filter(p => p.severity === 'error').length, 0);
    assert.is(await offered('kiosk-1'), 'b42');
    const declared = /sha256: ([0-9a-f]{64})/.exec(await read('builds/b42.yaml'))?.[1];
    assert.is(await fetched('kiosk-1', 'b42'), declared);
  }));

test('a change beside them is applied, and each broken rule is a warning at its own file', () =>
  upgraded(async ({ commit, read, offered }) => {
    const rollout = await read('rollout.yaml');
    const { applied, said } = await commit({ 'rollout.yaml': `${rollout}reason: a word more\n` });
    assert.is(applied, true);
    assert.equal(codesOf(said, 'error'), []);
    assert.equal(
      codesOf(said, 'warning').filter(code => NEW_RULES.includes(code)),
      NEW_RULES,
    );
    for (const warned of [
      'ambiguous_number builds/B41.yaml',
      'ambiguous_number builds/b41.yaml',
      'ambiguous_number policy.yaml',
      'ambiguous_number rollout.yaml',
      'artifact_not_installable builds/b42.yaml',
      'version_name_invalid builds/b41.yaml',
    ])
      assert.ok(said.includes(`warning ${warned}`), `${warned} in ${said.join(', ')}`);
    assert.is(await offered('kiosk-1'), 'b42');
  }));

test('the way back to a last_safe that breaks the rules passes, by the flag and by the pointer', () =>
  upgraded(async ({ commit, read, offered }) => {
    const rollout = await read('rollout.yaml');
    const back = await commit({ 'rollout.yaml': `${rollout}rollback: true\n` });
    assert.equal([back.applied, codesOf(back.said, 'error')], [true, []]);
    assert.equal([await offered('kiosk-1'), await offered('kiosk-2')], ['up_to_date', 'up_to_date']);
    const again = await commit({ 'rollout.yaml': rollout });
    assert.is(again.applied, true, again.said.join(', '));
    assert.is(await offered('kiosk-1'), 'b42', 'the rollback ends as it began');
    const pointer = rollout
      .replace('current: b42', 'current: b41')
      .replace('last_safe: b41\n', '')
      .replace('5e1', '100');
    const flipped = await commit({ 'rollout.yaml': pointer });
    assert.equal([flipped.applied, codesOf(flipped.said, 'error')], [true, []]);
  }));

test('the same things are errors in what a change adds, and only there; what stands goes on', () =>
  upgraded(async ({ commit, read, offered }) => {
    const b42 = await read('builds/b42.yaml');
    const another = (id: string, code: string): string =>
      b42
        .replace('build_id: b42', `build_id: ${id}`)
        .replace('version_code: 42', `version_code: ${code}`)
        .replace(/sha256: [0-9a-f]{64}/, `sha256: ${(code === '44' ? 'a' : 'b').repeat(64)}`)
        .replace('version_name: "4.2.0"', 'version_name: "4.3\\u200f"');
    const added = await commit({
      'builds/b43.yaml': another('b43', '043'),
      'builds/B42.yaml': another('B42', '44'),
    });
    assert.is(added.applied, false);
    assert.equal(
      added.said.filter(said => said.startsWith('error ')),
      [
        'error ambiguous_number builds/b43.yaml',
        'error build_id_case builds/B42.yaml',
        'error version_name_invalid builds/B42.yaml',
        'error version_name_invalid builds/b43.yaml',
      ],
    );
    assert.is(await offered('kiosk-1'), 'b42');
    const rollout = await read('rollout.yaml');
    const widened = await commit({
      'builds/b43.yaml': undefined,
      'builds/B42.yaml': undefined,
      'rollout.yaml': rollout.replace('5e1', '6e1'),
    });
    assert.equal([widened.applied, codesOf(widened.said, 'error')], [false, ['ambiguous_number']]);
    const mended = await commit({ 'rollout.yaml': rollout.replace('5e1', '60').replace('030', '30') });
    assert.is(mended.applied, true, mended.said.join(', '));
    assert.not.ok(mended.said.includes('warning ambiguous_number rollout.yaml'));
  }));

test.run();
