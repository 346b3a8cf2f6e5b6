/**
 * A running controller with a past: desired state, fleet, reports and halts are put into Git and the data folder before
 * it starts, so that each page has something to show. Its wall clock stands at SCENE_MS, so that pictures stay the same.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Controller, startController } from '../../../controller/compose/controller.ts';
import { bucketOf, thresholdOf } from '../../../controller/domain/cohort.ts';
import type { RampProgress } from '../../../controller/domain/ramp/progress.ts';
import type { Build } from '../../../controller/domain/release.ts';
import { tokenHash } from '../../../controller/http/auth.ts';
import { makeObserver } from '../../../controller/observe/observe.ts';
import type { AdminScope } from '../../../controller/ports/index.ts';
import { readSettings } from '../../../controller/settings/settings.ts';
import { openStore, type Store } from '../../../controller/store/store.ts';
import { withFolder } from '../folder.ts';
import { anApk, sha256Of } from '../http.ts';
import { releaseFiles } from '../releases.ts';
import { gitEnvironment, makeRepository, type Repository } from '../repository.ts';
import { aState, DAY_MS, HOUR_MS, type StateParts } from '../state.ts';

/** Thursday, 2026-12-03T10:50:00Z. */
export const SCENE_MS = Date.UTC(2026, 11, 3, 10, 50);
export const SEED = 'b43:7';

export interface Builds {
  readonly b41: Build;
  readonly b42: Build;
  readonly b43: Build;
}

export interface Scene {
  /** What stands; undefined: nothing was ever applied. */
  readonly state?: ((builds: Builds) => StateParts) | undefined;
  readonly appliedAgoMs?: number;
  readonly progress?: Partial<RampProgress>;
  /** Fills the store after the state was applied. */
  readonly past?: (past: Past) => Promise<void>;
  /** Another commit after the applied one: files under `releases/` that are changed. */
  readonly next?: (files: Readonly<Record<string, string>>) => Record<string, string>;
  /** The source cannot be read once the controller runs. */
  readonly sourceLost?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
  /** Moves the wall clock once the controller runs. */
  readonly jumpMs?: number;
}

export interface Past {
  readonly store: Store;
  readonly builds: Builds;
  /** Enrols devices that last said they run this build, and checked a while ago. */
  devices(ids: readonly string[], said: Said): Promise<void>;
  /** They downloaded the build and reported how it went. */
  took(ids: readonly string[], build: Build, how: Took): Promise<void>;
}

export interface Said {
  readonly build?: Build;
  readonly agoMs?: number;
  readonly tags?: readonly string[];
  readonly sdk?: number;
}

export interface Took {
  readonly outcome: 'ok' | 'fail' | 'deferred';
  readonly reason: Parameters<Store['outcomes']['report']>[0]['reason'];
  readonly agoMs?: number;
  readonly detail?: string;
  /** A later check says that the build runs. */
  readonly runs?: boolean;
  readonly sdk?: number;
}

export interface Pages {
  readonly controller: Controller;
  readonly url: string;
  readonly repository: Repository;
  readonly folder: string;
  readonly log: string[];
  /** Operators' tokens. */
  readonly tokens: { readonly admin: string; readonly viewer: string };
}

let apks: Promise<readonly { apk: Buffer; build: Build }[]> | undefined;

/** APKs are made once a process: each is signed anew, which takes a while. */
const madeApks = () => {
  apks ??= Promise.all([41, 42, 43].map(code => anApk(code, { versionName: `4.${code % 10}.0` })));
  return apks;
};

/** Ids whose buckets lie below, or at least at, `percent`. */
export function idsIn(kind: string, count: number, percent: number, where: 'inside' | 'outside'): string[] {
  const found: string[] = [];
  for (let n = 1; found.length < count; n += 1) {
    const id = `${kind}-${String(n).padStart(4, '0')}`;
    if (bucketOf(id, SEED) < thresholdOf(percent) === (where === 'inside')) found.push(id);
  }
  return found;
}

export function withPages(scene: Scene, use: (pages: Pages) => Promise<void>): Promise<void> {
  return withFolder(async folder => {
    const [b41, b42, b43] = await madeApks();
    if (b41 === undefined || b42 === undefined || b43 === undefined) throw new Error('three APKs are made');
    const data = path.join(folder, 'data');
    await mkdir(path.join(data, 'artifacts'), { recursive: true, mode: 0o700 });
    for (const { apk } of [b41, b42, b43])
      await writeFile(path.join(data, 'artifacts', `${sha256Of(apk)}.apk`), apk);
    const builds = { b41: b41.build, b42: b42.build, b43: b43.build };
    const repository = await makeRepository(path.join(folder, 'releases'));
    const tokens = await seed(scene, builds, repository, data);
    let movedMs = 0;
    const beganMs = performance.now();
    const log: string[] = [];
    const controller = await startController(
      readSettings({
        OTA_DATA: data,
        OTA_PORT: '0',
        OTA_SOURCE: pathToFileURL(repository.folder).href,
        OTA_SOURCE_INTERVAL: '1h',
        OTA_TOKEN_KEY: `k2:${'5c'.repeat(32)}`,
        OTA_NUDGE_KEY: '3a'.repeat(32),
        ...scene.settings,
      }),
      {
        environment: gitEnvironment(folder),
        observer: makeObserver({ level: 'warn', destination: { write: line => void log.push(line) } }),
        wallMs: () => SCENE_MS + movedMs,
        // Stands like the wall clock; a step of the ramp does not age while a picture is taken.
        monotonicMs: () => beganMs,
        random: Math.random,
        version: '0.2.0',
      },
    );
    try {
      await controller.tick();
      if (scene.sourceLost === true) {
        await repository.git('branch', '-m', 'main', 'gone');
        await controller.reconcile.run();
      }
      if (scene.jumpMs !== undefined) {
        movedMs = scene.jumpMs;
        await controller.look();
      }
      await use({ controller, url: controller.operatorUrl, repository, folder, log, tokens });
    } finally {
      await controller.stop('end of test');
    }
  });
}

async function seed(
  scene: Scene,
  builds: Builds,
  repository: Repository,
  data: string,
): Promise<Pages['tokens']> {
  const store = await openStore({ folder: data, nowMs: () => SCENE_MS });
  const newToken = async (name: string, scopes: AdminScope[]): Promise<string> => {
    const token = `ota_admin_${name.padEnd(43, 'x')}`;
    await store.admins.create({ name, scopes, expiresAtMs: SCENE_MS + 60 * DAY_MS }, tokenHash(token));
    return token;
  };
  try {
    const tokens = {
      admin: await newToken('ops-admin', ['admin']),
      viewer: await newToken('viewer', ['read']),
    };
    const parts = scene.state?.(builds);
    const state = parts === undefined ? undefined : aState({ builds: Object.values(builds), ...parts });
    const files = state === undefined ? {} : releaseFiles(state);
    const appliedAtMs = SCENE_MS - (scene.appliedAgoMs ?? 45 * HOUR_MS);
    const revision = await repository.commit(files, {
      atMs: appliedAtMs,
      message: 'Ramp b43: 1, 10, 25, 50, 100 %',
    });
    if (state !== undefined) {
      const progress: RampProgress | undefined =
        state.rollout.exposure.kind === 'percent'
          ? undefined
          : {
              rampId: appliedAtMs,
              beginsAtMs: appliedAtMs,
              step: 0,
              enteredAtMs: appliedAtMs,
              exposureMs: 0,
              servedMs: SCENE_MS - appliedAtMs,
              judgement: undefined,
              ...scene.progress,
            };
      const applied = { revision, treeHash: 'seeded', appliedAtMs, state, progress, formerBuilds: new Map() };
      await store.desired.apply(applied, [], [], []);
    }
    await scene.past?.(pastOf(store, builds));
    if (scene.next !== undefined)
      await repository.commit(scene.next(files), { atMs: SCENE_MS - 19 * 60_000, message: 'b43 to 50 %' });
    return tokens;
  } finally {
    await store.close();
  }
}

function pastOf(store: Store, builds: Builds): Past {
  const says = (ids: readonly string[], build: Build, agoMs: number, sdk: number): void => {
    for (const [n, deviceId] of ids.entries())
      store.devices.checkIn({
        deviceId,
        atMs: SCENE_MS - agoMs - n * 7_000,
        versionCode: build.versionCode,
        buildId: build.buildId,
        sdk,
        signer: build.signerFingerprint,
      });
  };
  return {
    store,
    builds,
    devices: async (ids, { build, agoMs = HOUR_MS, tags = [], sdk = 33 }) => {
      await store.devices.enrol(
        ids.map(deviceId => ({ deviceId, tags })),
        SCENE_MS - 200 * DAY_MS,
      );
      if (build !== undefined) says(ids, build, agoMs, sdk);
      await store.devices.flush();
    },
    took: async (
      ids,
      build,
      { outcome, reason, agoMs = 6 * HOUR_MS, detail, runs = outcome === 'ok', sdk = 33 },
    ) => {
      for (const [n, deviceId] of ids.entries()) {
        const atMs = SCENE_MS - agoMs - n * 40_000;
        const requestId = `${deviceId}-${build.buildId}`;
        if (outcome !== 'deferred')
          await store.outcomes.recordDownload({
            deviceId,
            buildId: build.buildId,
            requestId,
            result: 'ok',
            status: 200,
            bytes: build.sizeBytes,
            atMs: atMs - 60_000,
          });
        await store.outcomes.report({
          deviceId,
          requestId,
          buildId: build.buildId,
          outcome,
          reason,
          detail,
          versionCode: outcome === 'ok' ? build.versionCode : builds.b42.versionCode,
          timingsMs: undefined,
          atMs,
        });
      }
      if (runs) says(ids, build, Math.min(agoMs / 2, HOUR_MS), sdk);
      await store.devices.flush();
    },
  };
}
