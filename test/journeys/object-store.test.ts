/** A controller whose APKs lie in a bucket: published through it, served from it, and served on while it is away. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openBucket } from '../../controller/artifacts/bucket.ts';
import { faultCode } from '../../controller/domain/fault.ts';
import { withController } from '../support/controller.ts';
import { running, withFleet } from '../support/fleet.ts';
import { until } from '../support/folder.ts';
import { call, sha256Of } from '../support/http.ts';
import { swiftIsInstalled, withSwift } from '../support/swift.ts';

if (swiftIsInstalled)
  test('a build is uploaded, promoted, downloaded while the bucket is away, and offered no more once its object is gone', () =>
    withSwift(async swift => {
      const place = await swift.bucket('fleet');
      const settings = {
        OTA_ARTIFACTS: 's3://fleet/apks',
        OTA_ARTIFACTS_ENDPOINT: swift.endpoint,
        OTA_ARTIFACTS_PATH_STYLE: 'true',
      };
      const bucket = await openBucket(place);
      await withController(
        async journey => {
          const { url, builds } = journey;
          const { sha256 } = builds.b42.build;
          await journey.merge({ current: 'b42', exposure: { kind: 'percent', percent: 100 } });
          assert.is((await bucket.head(sha256))?.sizeBytes, builds.b42.apk.length);
          const [device] = await journey.enrol(['kiosk-1']);
          const token = device?.token ?? '';
          const check = () => call(url, 'GET', '/v1/agent/update?version_code=41&sdk=33', { token });
          const download = () => call(url, 'GET', '/v1/agent/builds/b42/apk', { token });
          const health = async (): Promise<string> =>
            (await journey.admin('GET', '/v1/health')).json.checks.find(
              (c: { part: string }) => c.part === 'object_store',
            )?.state;
          assert.is((await check()).json.build_id, 'b42');
          assert.is(sha256Of((await download()).body), sha256);
          assert.is(await health(), 'fine');

          await swift.leave();
          const passed = await journey.pass(2 * 60_000).then(() => 'fine', faultCode);
          assert.is(passed, 'object_store_unreachable', 'the slow re-read of stored APKs says so');
          assert.is((await check()).json.build_id, 'b42', 'its copy is here');
          assert.is(sha256Of((await download()).body), sha256);
          assert.is(await health(), 'failing');
          const again = await journey.admin('PUT', `/v1/artifacts/${sha256}`, {
            body: builds.b42.apk,
            headers: { 'content-type': 'application/octet-stream' },
          });
          assert.equal([again.status, again.json.code], [503, 'unavailable'], 'an upload waits');
          assert.match(again.json.detail, /the object store of the APKs cannot be used now/);
          await swift.comeBack();

          await bucket.delete(sha256);
          await journey.pass(2 * 60_000);
          assert.is((await check()).status, 204, 'nobody is offered what is not stored');
          assert.is((await download()).json.code, 'artifact_missing');
          assert.ok(journey.log.some(line => line.event === 'ota.artifact.lost'));
        },
        { settings },
      );
      bucket.close();
    }));

if (swiftIsInstalled)
  test('with OTA_ARTIFACT_REDIRECT the object store sends the fleet its APKs', () =>
    withSwift(async swift => {
      await swift.bucket('fleet');
      const settings = {
        OTA_ARTIFACTS: 's3://fleet/apks',
        OTA_ARTIFACTS_ENDPOINT: swift.endpoint,
        OTA_ARTIFACTS_PATH_STYLE: 'true',
        OTA_ARTIFACT_REDIRECT: 'true',
      };
      await withController(
        async journey => {
          const ids = ['kiosk-1', 'kiosk-2', 'kiosk-3'];
          await journey.merge(100);
          await withFleet(journey, ids, async fleet => {
            await fleet.start();
            await until('all run b42', async () => running(fleet, 42).length === ids.length);
          });
          const downloads = async (): Promise<unknown[]> => {
            const { json } = await journey.admin('GET', '/v1/devices/kiosk-1/explain');
            return json.downloads.map((d: { result: string; bytes: number }) => [d.result, d.bytes]);
          };
          // A confirmation is written after the check was answered.
          await until(
            'it was sent to the store, and confirmed',
            async () => (await downloads()).length === 2,
          );
          assert.equal(await downloads(), [
            ['ok', 0],
            ['ok', 0],
          ]);
          assert.is(await journey.metric('ota_downloads_total', { result: 'redirected' }), ids.length);
          assert.is(await journey.metric('ota_downloads_total', { result: 'ok' }), 0);
          assert.not.match(JSON.stringify(journey.log), /X-Amz/, 'the URLs are secrets');
        },
        { settings },
      );
    }));
// Swift is no package of npm: .ci/run installs it, and elsewhere the run says what it did not try.
else
  test.skip('Swift is not installed (see .ci/run): no controller with a bucket was tried', () => undefined);

test.run();
