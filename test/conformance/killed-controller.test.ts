/**
 * A real controller process over one data folder, killed with SIGKILL in the middle of whatever it does for GitHub, again
 * and again. It is killed after a seeded number of requests, so that no clock decides where. Afterwards: one final status
 * a revision, one pull request a brake, and what was stopped stays stopped from the first check on.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Rollout } from '../../controller/domain/release.ts';
import { withFolder } from '../support/folder.ts';
import { type Hub, TOKEN, withHub } from '../support/github/hub.ts';
import { inRepository } from '../support/github/stage.ts';
import { anApk, call, eventually } from '../support/http.ts';
import { type Running, startProcess } from '../support/process.ts';
import { aRamp, aState } from '../support/state.ts';

const SEEDS = [5];
const B41 = {
  current: 'b41',
  lastSafe: undefined,
  exposure: { kind: 'percent', percent: 100 },
} as const;
/** What is merged before each life of the process. */
const HISTORY: readonly Partial<Rollout>[] = [
  { exposure: { kind: 'percent', percent: 10 } },
  { exposure: aRamp(undefined, [5, 4], [50, 4], [100]) },
  { rollback: true },
  { exposure: { kind: 'percent', percent: 50 } },
];

function drawsOf(seed: number): (most: number) => number {
  let state = seed;
  return most => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return 1 + ((state >>> 16) % most);
  };
}

interface Scene {
  readonly hub: Hub;
  readonly folder: string;
  readonly builds: Awaited<ReturnType<typeof anApk>>['build'][];
  start(): Promise<Running>;
  token(): Promise<string>;
}

const withScene = (use: (scene: Scene) => Promise<void>): Promise<void> =>
  withHub(hub =>
    withFolder(async folder => {
      const apks = [await anApk(41), await anApk(42)];
      const stored = path.join(folder, 'apks');
      await mkdir(stored);
      for (const { apk, build } of apks) await writeFile(path.join(stored, `${build.buildId}.apk`), apk);
      const builds = apks.map(({ build }) => build);
      hub.state.git.commit('main', inRepository(aState({ builds, rollout: B41 })), 'the first release');
      const settings = {
        OTA_DATA: path.join(folder, 'data'),
        OTA_ARTIFACTS_IMPORT: stored,
        OTA_SOURCE: hub.cloneUrl,
        OTA_SOURCE_TOKEN: TOKEN,
        OTA_SOURCE_INTERVAL: '1h',
        OTA_GITHUB_REPO: 'acme/fleet',
        OTA_GITHUB_URL: hub.apiUrl,
        OTA_GITHUB_TOKEN: TOKEN,
      };
      await use({
        hub,
        folder,
        builds,
        start: () => startProcess(settings, folder),
        token: async () => (await readFile(path.join(folder, 'data', 'admin-token'), 'utf8')).trim(),
      });
    }),
  );

interface Exposure {
  readonly declared_percent: number;
  readonly effective_percent: number;
  readonly halts: readonly { readonly kind: string }[];
}
const exposureOf = async ({ url }: Running, token: string): Promise<Exposure | null> =>
  (await call(url, 'GET', '/v1/rollout', { token })).json.exposure;

/** Waits for so many requests in all, or until nothing more is asked: then there was nothing left to do. */
async function requested(hub: Hub, wanted: number): Promise<void> {
  let [seen, quiet] = [-1, 0];
  await eventually(() => {
    quiet = hub.requests.length === seen ? quiet + 1 : 0;
    seen = hub.requests.length;
    return seen >= wanted || quiet > 300;
  });
}

const finalsOf = (hub: Hub, revision: string): string[] =>
  hub.state
    .statusesOf(revision, 'ota/rollout')
    .filter(status => status.state !== 'pending')
    .map(status => status.description);

for (const seed of SEEDS)
  test(`killed again and again, seed ${seed}`, () =>
    withScene(async scene => {
      const { hub, builds } = scene;
      const draw = drawsOf(seed);
      const revisions = [hub.state.git.tip('main') ?? ''];
      /** One life: it reads what was merged and is killed after so many of its requests. */
      const live = async (braked: boolean): Promise<void> => {
        const since = hub.requests.length;
        const most = draw(6);
        const running = await scene.start();
        const exposure = await exposureOf(running, await scene.token());
        if (exposure !== null) {
          assert.ok(exposure.effective_percent <= exposure.declared_percent, 'effective ≤ declared');
          if (braked) assert.equal([exposure.effective_percent, exposure.halts.length], [0, 1]);
        }
        await requested(hub, since + most);
        await running.end('SIGKILL');
      };
      await live(false);
      for (const rollout of HISTORY) {
        revisions.push(
          hub.state.git.commit('main', inRepository(aState({ builds, rollout })), 'the next release'),
        );
        await live(false);
      }
      const pressing = await scene.start();
      const token = await scene.token();
      await eventually(
        async () =>
          (await call(pressing.url, 'GET', '/v1/rollout', { token })).json.revision === revisions.at(-1),
      );
      const pressed = await call(pressing.url, 'POST', '/v1/brake', { token, json: { reason: 'reboots' } });
      assert.is(pressed.status, 200, pressed.body.toString());
      await pressing.end('SIGKILL');
      for (let n = 0; n < 3; n += 1) await live(true);

      const last = await scene.start();
      const brakes = () => hub.state.pulls.filter(p => p.headRef.startsWith('ota/brake-'));
      await eventually(
        () => brakes().length > 0 && revisions.slice(0, -1).every(r => finalsOf(hub, r).length > 0),
      );
      await last.end('SIGTERM');
      assert.equal(
        brakes().map(p => p.state),
        ['open'],
      );
      assert.equal(
        revisions.map(r => finalsOf(hub, r).length),
        revisions.map((_, n) => (n === revisions.length - 1 ? 0 : 1)),
        JSON.stringify(revisions.map(r => finalsOf(hub, r))),
      );
      assert.equal(hub.violations, []);
    }));

test.run();
