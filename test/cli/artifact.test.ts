import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota, type Ran } from '../support/cli.ts';
import { type Journey, withController } from '../support/controller.ts';
import { anApk } from '../support/http.ts';

const run = (journey: Journey, ...argv: string[]): Promise<Ran> =>
  ota(argv, { cwd: journey.folder, url: journey.url, token: journey.adminToken });

const ok = ({ code, out, err }: Ran): string => {
  assert.is(code, 0, err);
  return out;
};

const upload = async (journey: Journey, apk: Buffer, sha256: string): Promise<void> => {
  const type = 'application/vnd.android.package-archive';
  const answer = await journey.admin('PUT', `/v1/artifacts/${sha256}`, { body: apk, type });
  assert.ok(answer.status < 300);
};

const refused = (ran: Ran, expected: RegExp): void => {
  assert.is(ran.code, 2, ran.out);
  assert.match(ran.err, expected);
};

test('an APK in use is deleted only with --force; an unused one without', () =>
  withController(async journey => {
    const { b41, b42 } = journey.builds;
    const stray = await anApk(43);
    await upload(journey, stray.apk, stray.build.sha256);
    refused(
      await run(journey, 'artifact', 'delete', stray.build.sha256),
      /no revision is applied yet.*\[artifact_in_use\]/,
    );
    await journey.merge(100);

    const list = ok(await run(journey, 'artifact', 'list'));
    assert.match(list, new RegExp(`^${b42.build.sha256.slice(0, 16)} .*b42 \\(current\\)$`, 'm'));
    assert.match(list, new RegExp(`^${b41.build.sha256.slice(0, 16)} .*b41 \\(last safe\\)$`, 'm'));
    const unused = await run(journey, 'artifact', 'list', '--unused');
    assert.match(ok(unused), new RegExp(`^${stray.build.sha256.slice(0, 16)} .*nothing names it$`, 'm'));
    assert.match(unused.err, /^1 APK; all of them take/);

    refused(
      await run(journey, 'artifact', 'delete', 'b42'),
      /still in use: b42 \(current\).*\[artifact_in_use\]/,
    );
    refused(await run(journey, 'artifact', 'delete', 'b99'), /\[artifact_unknown\]/);
    refused(await run(journey, 'artifact', 'delete', stray.build.sha256.slice(0, 7)), /\[artifact_unknown\]/);
    const gone = await run(journey, 'artifact', 'delete', stray.build.sha256.slice(0, 8));
    assert.match(ok(gone), new RegExp(`^deleted ${stray.build.sha256} \\(`));
    assert.match(ok(await run(journey, 'artifact', 'delete', 'b42', '--force')), /^deleted /);
    assert.equal(
      (await journey.admin('GET', '/v1/rollout')).json.missing_artifacts,
      [b42.build.sha256],
      'it is offered no more',
    );
    const { events } = (await journey.admin('GET', '/v1/events?limit=9')).json;
    assert.equal(
      events
        .filter((e: { action: string }) => e.action === 'artifact.delete')
        .map((e: { detail: unknown }) => e.detail),
      [
        { size_bytes: b42.apk.length, force: true, uses: [{ kind: 'current', name: 'b42' }] },
        { size_bytes: stray.apk.length, force: false, uses: [] },
      ],
    );
  }));

test('a revision that was refused keeps the APKs that it names, until another one is tried', () =>
  withController(async journey => {
    await journey.merge(100);
    const { b41, b42 } = journey.builds;
    const b43 = await anApk(43);
    const b44 = await anApk(44);
    await upload(journey, b44.apk, b44.build.sha256);
    // b43 was never uploaded: the revision is refused as a whole.
    const refusedAt = await journey.merge(
      { current: 'b43' },
      { builds: [b41.build, b42.build, b43.build, b44.build] },
    );
    refused(
      await run(journey, 'artifact', 'delete', b44.build.sha256),
      new RegExp(`still in use: named by revision ${refusedAt.slice(0, 12)}`),
    );
    await journey.restart();
    refused(await run(journey, 'artifact', 'delete', b44.build.sha256), /named by revision/);
    await journey.merge(100);
    assert.is((await run(journey, 'artifact', 'delete', b44.build.sha256)).code, 0);
  }));

test.run();
