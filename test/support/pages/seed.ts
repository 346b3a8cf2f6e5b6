/** Puts a scene into Git and into the data folder. */
import { plan } from '../../../controller/domain/plan/index.ts';
import type { RampProgress } from '../../../controller/domain/ramp/progress.ts';
import type { Build, DesiredState } from '../../../controller/domain/release.ts';
import type { Standing } from '../../../controller/domain/standing.ts';
import { tokenHash } from '../../../controller/http/auth.ts';
import type { AdminScope } from '../../../controller/ports/index.ts';
import { appliedDetail } from '../../../controller/reconcile/record.ts';
import { openStore, type Store } from '../../../controller/store/store.ts';
import { releaseFiles } from '../releases.ts';
import type { Repository } from '../repository.ts';
import { aRollout, aState, DAY_MS, HOUR_MS, hexOf } from '../state.ts';
import { type Builds, type Past, SCENE_MS, type Scene } from './scene.ts';

export async function seed(
  scene: Scene,
  builds: Builds,
  repository: Repository,
  data: string,
): Promise<{ readonly admin: string; readonly viewer: string }> {
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
      await seedFormer(store, state, appliedAtMs);
      const begun = progress && { ...progress, step: 0, enteredAtMs: appliedAtMs };
      const planned = plan(formerOf(state), { state, progress: begun, formerBuilds: new Map() }, appliedAtMs);
      const commit = { author: 'A. Releaser', subject: scene.subject ?? 'Ramp b43 (#217)' };
      const tree = { revision, committedAtMs: appliedAtMs, treeHash: 'seeded', files: [], commit };
      await store.desired.apply(applied, [], [], [], appliedDetail(tree, undefined, planned, []));
      await seedSteps(store, state, progress);
    }
    await scene.past?.(pastOf(store, builds));
    if (scene.next !== undefined)
      await repository.commit(scene.next(files), { atMs: SCENE_MS - 19 * 60_000, message: 'b43 to 50 %' });
    return tokens;
  } finally {
    await store.close();
  }
}

/** The steps that were entered before the one that stands: each as long as its hold. */
async function seedSteps(
  store: Store,
  { rollout }: DesiredState,
  progress: RampProgress | undefined,
): Promise<void> {
  const steps = rollout.exposure.kind === 'ramp' ? rollout.exposure.ramp.steps : [];
  if (progress === undefined) return;
  const keep = (step: number, enteredAtMs: number): Promise<void> =>
    store.ramps.keep(
      {
        buildId: rollout.current,
        progress: step === progress.step ? progress : { ...progress, step, enteredAtMs },
        percent: steps[step]?.percent,
        decidedAtMs: enteredAtMs,
        decidedBy: 'ramp',
      },
      [],
      [],
    );
  for (let step = 0; step <= progress.step; step += 1) {
    const held = steps.slice(step, progress.step).reduce((sum, s) => sum + (s.holdMs ?? 0), 0);
    await keep(step, Math.max(progress.beginsAtMs, progress.enteredAtMs - held));
  }
}

/** b42 at 100 %, which stood before. */
const formerOf = (state: DesiredState): Standing => {
  const rollout = aRollout({ current: 'b42', lastSafe: 'b41', exposure: { kind: 'percent', percent: 100 } });
  return { state: { ...state, rollout }, progress: undefined, formerBuilds: new Map() };
};

/** How b42 came to all of the fleet, and who merged it. */
async function seedFormer(store: Store, state: DesiredState, appliedAtMs: number): Promise<void> {
  const stood = formerOf(state);
  let before: Standing | undefined;
  for (const [agoMs, percent] of [
    [9 * DAY_MS, 10],
    [8 * DAY_MS, 50],
    [7 * DAY_MS, 100],
  ] as const) {
    const atMs = appliedAtMs - agoMs;
    const rollout = { ...stood.state.rollout, exposure: { kind: 'percent', percent } as const };
    const next = { ...stood, state: { ...state, rollout } };
    const revision = hexOf(`b42 at ${percent}`).slice(0, 40);
    const tree = { revision, committedAtMs: atMs, treeHash: revision, files: [] };
    const commit = { author: 'R. Reviewer', subject: `b42 to ${percent} % (#${200 + percent})` };
    const audit = {
      atMs,
      actor: `git:${revision}`,
      action: 'apply',
      subject: 'b42',
      detail: { changes: [{ file: 'rollout.yaml', path: 'rollout_percent', after: percent }] },
    };
    const planned = plan(before, next, atMs);
    before = next;
    const detail = appliedDetail({ ...tree, commit }, undefined, planned, []);
    await store.desired.apply(
      { ...next, revision, treeHash: revision, appliedAtMs: atMs },
      [],
      [audit],
      [],
      detail,
    );
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
    devices: async (ids, { build, agoMs = HOUR_MS / 3, tags = [], sdk = 33 }) => {
      await store.devices.enrol(
        ids.map(deviceId => ({ deviceId, tags })),
        SCENE_MS - 200 * DAY_MS,
      );
      if (build !== undefined) says(ids, build, agoMs, sdk);
      await store.devices.flush();
    },
    adoption: async (hours, shareOfNew) => {
      const hourMs = SCENE_MS - (SCENE_MS % HOUR_MS);
      for (let ago = hours; ago > 0; ago -= 1) {
        const b43 = shareOfNew(ago);
        const b42 = Math.round(460 / (1 + Math.exp((ago - 190) / 14)));
        const running = new Map([
          ['b43', b43],
          ['b42', Math.max(0, b42 - b43)],
          ['b41', 460 - b42 + 20],
          ['code:12', 4],
        ]);
        await store.adoption.keepHour({ hourMs: hourMs - ago * HOUR_MS, running });
      }
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
            lastByte: true,
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
      if (runs) says(ids, build, Math.min(agoMs / 2, HOUR_MS / 6), sdk);
      await store.devices.flush();
    },
  };
}
