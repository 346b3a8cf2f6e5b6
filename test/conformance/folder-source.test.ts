/** A plain folder governs as a repository does (SPEC §7): ramps, changes, restarts. */
import { mkdir, utimes } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { effectivePercent } from '../../controller/domain/decision.ts';
import type { Rollout } from '../../controller/domain/release.ts';
import { type Journey, withController } from '../support/controller.ts';
import { until, withFolder } from '../support/folder.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { aRamp, aState, HOUR_MS } from '../support/state.ts';

const RAMP = { exposure: aRamp(undefined, [1, 4], [10, 24], [100]) };
const exposureOf = ({ controller }: Journey): number | undefined => {
  const { snapshot } = controller.reconcile;
  return snapshot === undefined ? undefined : effectivePercent(snapshot, controller.clock.nowMs());
};

/** A controller whose source is a folder, empty at first. */
const besideFolder = (use: (journey: Journey, releases: string) => Promise<void>): Promise<void> =>
  withFolder(async outer => {
    const releases = path.join(outer, 'releases');
    await mkdir(releases);
    await withController(journey => use(journey, releases), { settings: { OTA_SOURCE: releases } });
  });

/** Puts the files there as a copy does that keeps times: dated when they were written, not when they came. */
async function put(
  journey: Journey,
  releases: string,
  rollout: Partial<Rollout> | number,
  atMs = journey.controller.clock.nowMs(),
) {
  const files = releaseFiles(
    aState({ builds: [journey.builds.b41.build, journey.builds.b42.build], rollout }),
  );
  await writeReleases(releases, files);
  for (const name of Object.keys(files))
    await utimes(path.join(releases, name), new Date(atMs), new Date(atMs));
}

test('a ramp in a folder moves with time, and a restart does not begin it anew', () =>
  besideFolder(async (journey, releases) => {
    await put(journey, releases, RAMP);
    await journey.controller.reconcile.run();
    await until('the ramp', () => exposureOf(journey) === 1);
    await journey.pass(5 * HOUR_MS);
    assert.is(exposureOf(journey), 10);
    await journey.restart(undefined, HOUR_MS);
    assert.is(exposureOf(journey), 10);
    await journey.controller.reconcile.run();
    assert.is(exposureOf(journey), 10);
    assert.equal(
      journey.controller.reconcile.status().problems.map(p => p.code),
      ['ramp_restarts'],
      'nothing was known of it when it first came',
    );
  }));

test('a ramp that is copied into the folder begins when it comes, not when its files were written', () =>
  besideFolder(async (journey, releases) => {
    await put(journey, releases, 0);
    await journey.controller.reconcile.run();
    await until('the first revision', () => exposureOf(journey) === 0);
    await put(journey, releases, RAMP, journey.controller.clock.nowMs() - 72 * HOUR_MS);
    await journey.controller.reconcile.run();
    assert.is(journey.controller.reconcile.snapshot?.rollout.exposure.kind, 'ramp');
    assert.is(exposureOf(journey), 1);
  }));

test('an emptied folder is a problem, and the last good revision stays in force', () =>
  besideFolder(async (journey, releases) => {
    await put(journey, releases, 100);
    await journey.controller.reconcile.run();
    await until('the first revision', () => exposureOf(journey) === 100);
    await writeReleases(releases, {});
    await journey.controller.reconcile.run();
    assert.equal(
      journey.controller.reconcile.status().problems.map(p => p.code),
      ['releases_missing'],
    );
    assert.is(exposureOf(journey), 100);
  }));

test.run();
