/** An APK that the disk lost or changed while the controller ran, or while it was down. */
import { readFile, rename, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Journey, withController } from '../support/controller.ts';
import { call } from '../support/http.ts';

const APK = 'application/vnd.android.package-archive';
const CHECK = '/v1/agent/update?version_code=41&build_id=b41&sdk=33';

interface Scene {
  readonly journey: Journey;
  /** The stored file of b42. */
  readonly file: string;
  /** Status of an update check, and why nothing is offered. */
  check(): Promise<[status: number, decision: string | undefined]>;
  download(): Promise<number>;
  upload(): Promise<{ created: boolean; repaired: boolean }>;
  /** What was told as lost, by build. */
  lost(): unknown[];
}

const withScene = (use: (scene: Scene) => Promise<void>): Promise<void> =>
  withController(async journey => {
    await journey.merge(100);
    const [device] = await journey.enrol(['kiosk-7']);
    const { build, apk } = journey.builds.b42;
    const ask = (target: string) => call(journey.url, 'GET', target, { token: device?.token });
    await use({
      journey,
      file: path.join(journey.folder, 'data/artifacts', `${build.sha256}.apk`),
      check: async () => {
        const answer = await ask(CHECK);
        return [answer.status, answer.headers['ota-decision']];
      },
      download: async () => (await ask('/v1/agent/builds/b42/apk')).status,
      upload: async () =>
        (await journey.admin('PUT', `/v1/artifacts/${build.sha256}`, { body: apk, type: APK })).json,
      lost: () => journey.log.filter(line => line.event === 'ota.artifact.lost').map(line => line.build_id),
    });
  });

const OFFERED = [200, undefined];
const HELD = [204, 'artifact_missing'];

test('an APK that was cut short is offered to nobody, also while Git is away, and an upload brings it back', () =>
  withScene(async ({ journey, file, check, upload, lost }) => {
    assert.equal(await check(), OFFERED);
    await rename(journey.repository.folder, `${journey.repository.folder}-away`);
    await truncate(file, 100);
    await journey.controller.tick();
    assert.equal([await check(), lost()], [HELD, ['b42']]);
    const { created, repaired } = await upload();
    assert.equal([created, repaired], [false, true]);
    assert.equal(await check(), OFFERED, 'at once, without Git and without a timer');
  }));

test('an APK with a flipped bit is offered to nobody once it was looked at', () =>
  withScene(async ({ journey, file, check, lost }) => {
    const bytes = await readFile(file);
    bytes[200] = (bytes[200] ?? 0) ^ 1;
    await writeFile(file, bytes);
    await journey.controller.tick();
    assert.equal([await check(), lost()], [HELD, ['b42']]);
    await journey.controller.tick();
    assert.equal(lost(), ['b42'], 'told once');
  }));

test('a download that finds an APK cut short ends its offers at once', () =>
  withScene(async ({ file, check, download, lost }) => {
    assert.equal([await check(), await download()], [OFFERED, 200]);
    await truncate(file, 100);
    assert.equal([await download(), await check(), lost()], [503, HELD, ['b42']]);
  }));

test('an APK that was lost while the controller was down is reported at its start', () =>
  withScene(async ({ journey, file, check, lost }) => {
    await truncate(file, 100);
    await journey.restart();
    assert.equal([await check(), lost()], [HELD, ['b42']]);
  }));

test.run();
