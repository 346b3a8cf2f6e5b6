/** A controller's answers to agents (SPEC §5), checked over HTTP with one device's token. Read-only unless allowed. */
import { createHash } from 'node:crypto';
import { bufferReader, identityOf, signerForSdk, verifyApk } from '../../../controller/apk/index.ts';
import { bucketOf, isExposed } from '../../../controller/domain/cohort.ts';
import { HOLD_REASONS } from '../../../controller/domain/decision.ts';
import { urlRefusal } from '../../http/origin.ts';
import { must } from '../finding.ts';
import { type ControllerCheck, refused, withOffer } from './check.ts';
import { RESULTS } from './results.ts';
import { header, mustBeProblem } from './world.ts';

const NEWEST = 'version_code=2147483647';

const UPDATE: readonly ControllerCheck[] = [
  refused(
    'version_code_is_needed',
    'a missing version_code is 400, never 0',
    'takes_a_missing_version_for_zero',
    [400],
    w => w.check('sdk=33'),
  ),
  refused(
    'version_code_is_a_number',
    'a version_code that is not a number is 400',
    'reads_any_version',
    [400],
    w => w.check('version_code=4x'),
  ),
  refused('request_ids_are_checked', 'a malformed Ota-Request-Id is 400', 'takes_any_request_id', [400], w =>
    w.check(NEWEST, { 'ota-request-id': '!' }),
  ),
  refused('a_token_is_needed', 'without a token: 401', 'needs_no_token', [401], w =>
    w.ask(`v1/agent/update?${NEWEST}`, { token: undefined }),
  ),
  refused(
    'a_wrong_token_is_refused',
    'with a token that was never issued: 401',
    'takes_any_token',
    [401],
    w => w.ask(`v1/agent/update?${NEWEST}`, { token: 'v1.k.nobody.1.AAAA' }),
  ),
  refused(
    'a_changed_token_is_refused',
    'with one character changed: 401',
    'compares_beginnings_of_tokens',
    [401],
    w => {
      const { token } = w.under;
      return w.ask(`v1/agent/update?${NEWEST}`, {
        token: token.slice(0, -2) + (token.at(-2) === 'A' ? 'B' : 'A') + token.slice(-1),
      });
    },
  ),
  {
    name: 'a_hold_says_why',
    clause: 'nothing to do is 204 with ETag "none" and the reason in Ota-Decision',
    catches: 'holds_without_a_reason',
    run: async world => {
      const answer = await world.check(NEWEST);
      if (answer.status === 200) return { skip: 'this device is forced back from any version' };
      must(answer.status === 204, `it answered ${answer.status}`);
      must(header(answer, 'etag') === '"none"', `ETag was ${header(answer, 'etag')}`);
      const reason = header(answer, 'ota-decision');
      must(
        HOLD_REASONS.some(r => r === reason),
        `Ota-Decision was ${reason}`,
      );
      return 'ok';
    },
  },
  {
    name: 'a_known_hold_is_304',
    clause: 'If-None-Match that names the hold is answered 304, whatever Cache-Control says',
    catches: 'gives_a_known_hold_again',
    run: async world => {
      if ((await world.check(NEWEST)).status === 200)
        return { skip: 'this device is forced back from any version' };
      const answer = await world.check(NEWEST, { 'if-none-match': '"none"', 'cache-control': 'no-cache' });
      must(answer.status === 304, `it answered ${answer.status}`);
      return 'ok';
    },
  },
  {
    name: 'answers_are_not_cached',
    clause: 'Cache-Control: private, no-store',
    catches: 'lets_answers_be_cached',
    run: async world => {
      const answer = await world.check(NEWEST);
      must(
        /no-store/.test(header(answer, 'cache-control')),
        `Cache-Control was ${header(answer, 'cache-control')}`,
      );
      return 'ok';
    },
  },
  {
    name: 'answers_tell_the_time',
    clause: 'every answer has a Date header: agents need it to judge nudges',
    catches: 'tells_no_time',
    run: async world => {
      const answer = await world.check(NEWEST);
      must(!Number.isNaN(Date.parse(header(answer, 'date'))), 'the answer has no valid Date header');
      return 'ok';
    },
  },
  withOffer(
    'an_offer_is_a_whole_manifest',
    'an offer has all fields of the manifest and no others',
    'leaves_a_field_out',
    async () => {},
  ),
  withOffer(
    'an_offer_is_never_304',
    'an offer is 200 whatever If-None-Match says',
    'hides_an_offer_behind_304',
    async world => {
      const answer = await world.check(`version_code=0&sdk=${world.under.sdk}`, {
        'if-none-match': '"none"',
      });
      must(answer.status === 200, `it answered ${answer.status}`);
    },
  ),
  withOffer(
    'the_url_is_the_controllers',
    'url is https (or loopback) on the controller’s own origin',
    'sends_devices_to_another_host',
    async (world, offer) => {
      const why = urlRefusal(offer.url, world.under.url);
      must(why === undefined, `${offer.url}: ${why}`);
    },
  ),
  withOffer(
    'the_device_is_in_its_cohort',
    'an offer fits the device’s own bucket',
    'offers_outside_the_cohort',
    async (world, offer) => {
      const bucket = bucketOf(world.under.deviceId, offer.cohortSeed);
      must(
        isExposed(bucket, offer.stagedRolloutPercent),
        `bucket ${bucket} is outside ${offer.stagedRolloutPercent} %`,
      );
    },
  ),
  withOffer(
    'the_offered_version_is_up_to_date',
    'a device that runs the offered version gets no offer',
    'offers_what_runs',
    async (world, offer) => {
      const answer = await world.check(`version_code=${offer.versionCode}&sdk=${world.under.sdk}`);
      must(answer.status === 204, `it answered ${answer.status}`);
    },
  ),
];

const APK: readonly ControllerCheck[] = [
  withOffer(
    'the_apk_needs_a_token',
    'the APK without a token: 401',
    'serves_apks_to_anybody',
    async (world, offer) => mustBeProblem(await world.ask(offer.url, { token: undefined }), 401),
  ),
  withOffer(
    'an_unknown_build_is_not_served',
    'an unknown build: 404 or 410',
    'serves_any_build',
    async (world, offer) =>
      mustBeProblem(await world.ask(offer.url.replace(offer.buildId, 'no-such-build-1')), 404, 410),
  ),
  withOffer(
    'the_apk_is_what_was_announced',
    'size, sha256, signature, signer, version and package agree',
    'sends_another_apk',
    async (world, offer) => {
      const { status, body, headers } = await world.ask(offer.url);
      must(status === 200, `it answered ${status}`);
      must(body.length === offer.sizeBytes, `${body.length} of ${offer.sizeBytes} bytes`);
      must(createHash('sha256').update(body).digest('hex') === offer.sha256, 'the sha256 differs');
      must(headers.etag === `"${offer.sha256}"`, `ETag was ${headers.etag}`);
      const verdict = await verifyApk(bufferReader(body), { sdk: world.under.sdk });
      must(verdict.ok, verdict.ok ? '' : `the APK is refused: ${verdict.code}`);
      must(verdict.facts.versionCode === offer.versionCode, `it is version ${verdict.facts.versionCode}`);
      const signer = signerForSdk(verdict.facts, world.under.sdk);
      must(
        signer !== undefined && identityOf(signer) === offer.signerFingerprint,
        'its signer differs from the manifest',
      );
    },
  ),
  withOffer(
    'downloads_resume',
    'Range with a matching If-Range is 206 from that byte on',
    'ignores_ranges',
    async (world, offer) => {
      const from = Math.floor(offer.sizeBytes / 2);
      const { status, body, headers } = await world.ask(offer.url, {
        headers: { range: `bytes=${from}-`, 'if-range': `"${offer.sha256}"` },
      });
      must(status === 206, `it answered ${status}`);
      must(
        headers['content-range'] === `bytes ${from}-${offer.sizeBytes - 1}/${offer.sizeBytes}`,
        `Content-Range was ${headers['content-range']}`,
      );
      must(body.length === offer.sizeBytes - from, `it sent ${body.length} bytes`);
    },
  ),
  withOffer(
    'another_file_is_not_glued_on',
    'Range with another If-Range is 200 with the whole APK',
    'ignores_if_range',
    async (world, offer) => {
      const { status, body } = await world.ask(offer.url, {
        headers: { range: 'bytes=10-', 'if-range': `"${'0'.repeat(64)}"` },
      });
      must(
        status === 200 && body.length === offer.sizeBytes,
        `it answered ${status} with ${body.length} bytes`,
      );
    },
  ),
  withOffer(
    'a_range_beyond_the_end_is_416',
    'Range beyond the end is 416 with the size',
    'answers_ranges_beyond_the_end',
    async (world, offer) => {
      const { status, headers } = await world.ask(offer.url, {
        headers: { range: `bytes=${offer.sizeBytes}-` },
      });
      must(status === 416, `it answered ${status}`);
      must(
        headers['content-range'] === `bytes */${offer.sizeBytes}`,
        `Content-Range was ${headers['content-range']}`,
      );
    },
  ),
];

/** Every check of a controller, by a unique name. */
export const controllerChecks = (): readonly ControllerCheck[] => [...UPDATE, ...APK, ...RESULTS];
