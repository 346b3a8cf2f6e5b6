/** `GET /v1/agent/builds/{build_id}/apk` (SPEC §5): authorised by what the server knows, resumable, rate limited. */
import type { ServerResponse } from 'node:http';
import type { Context } from 'koa';
import { targetFor } from '../../domain/decision.ts';
import { DAY_MS } from '../../domain/duration.ts';
import { type BuildId, isBuildId } from '../../domain/ids.ts';
import type { Build } from '../../domain/release.ts';
import type { DeviceIdentity } from '../auth.ts';
import { findOrCatchUp } from '../catch-up.ts';
import { failureOf } from '../failure.ts';
import type { Http } from '../options.ts';
import { Refusal } from '../problem.ts';
import { param, type Route, type RouteBuilder } from '../route.ts';
import { type ApkBytes, makeOpenApk } from './apk-bytes.ts';
import { makeBudget, type Slot, shareOf } from './budget.ts';
import { type RangeVerdict, rangeOf } from './range.ts';
import { type Ending, sendPieces } from './send-pieces.ts';
import { namesTag, requestIdOf } from './update.ts';

/** Spreads the return of devices that came together. */
const CAP_SPREAD_MS = 300_000;
const APK_TYPE = 'application/vnd.android.package-archive';

const FAILURE_OF: Readonly<Record<Exclude<Ending, 'sent'>, string>> = {
  aborted: 'aborted',
  stalled: 'stalled',
  stopped: 'build_not_offered',
};

/** One download request, as rows and events name it. */
interface Attempt {
  readonly deviceId: string;
  readonly buildId: BuildId;
  readonly requestId: string | undefined;
  readonly startedMs: number;
  /** Set once the row is written: there is one row per attempt. */
  recorded: boolean;
}

/** Refusals that are not recorded as an attempt, since the download never began. */
const NOT_BEGUN: ReadonlySet<string> = new Set(['rate_limited', 'download_limit', 'busy', 'not_ready']);

export function downloadRoute(http: Http, builder: RouteBuilder): Route {
  const { settings, observe, monotonicMs, knownBuild } = http;
  const { picture, clock, devices, feed, outcomes, artifacts, apkLinks, reconciler } = http.ports;
  const budget = makeBudget({ ...settings, monotonicMs });
  const openApk = makeOpenApk(artifacts, settings.memoryApkBytes);

  /** The build, if steps 1–2 of the decision choose it for the device's tags and last reported SDK. */
  function offered(device: DeviceIdentity, buildId: BuildId, sdk: number | undefined): Build | undefined {
    const { snapshot } = picture;
    const auth = devices.auth(device.deviceId);
    if (snapshot === undefined || auth === undefined || auth.revoked) return undefined;
    const known = { deviceId: device.deviceId, tags: auth.tags, versionCode: 0, sdk };
    const target = targetFor(snapshot, known, clock.nowMs());
    return target.kind === 'target' && target.build.buildId === buildId ? target.build : undefined;
  }

  async function record(
    attempt: Attempt,
    result: { code: string; status: number; bytes: number; lastByte?: boolean; charged?: number },
  ): Promise<void> {
    if (attempt.recorded) return;
    attempt.recorded = true;
    const { deviceId, buildId, requestId } = attempt;
    const { code, status, bytes, lastByte = false, charged } = result;
    const named = { deviceId, requestId, buildId };
    if (status === 304) observe({ type: 'ota.download.304', ...named });
    else if (code === 'ok' && (status === 200 || status === 206 || status === 307)) {
      const ms = monotonicMs() - attempt.startedMs;
      observe({ type: 'ota.download.200', ...named, status, bytes, ms });
    } else observe({ type: 'ota.download.fail', ...named, code, bytes });
    const atMs = clock.nowMs();
    await outcomes.recordDownload({ ...named, result: code, status, bytes, atMs, lastByte, charged });
  }

  /** The cap counts bytes, so a resumed download costs only the bytes it sends. */
  async function needCap({ deviceId, buildId }: Attempt, sizeBytes: number): Promise<void> {
    const nowMs = clock.nowMs();
    const maxBytes = settings.downloadsPerDay * sizeBytes;
    const { belowFromMs } = await outcomes.sentSince(deviceId, buildId, nowMs - DAY_MS, maxBytes);
    if (belowFromMs === undefined) return;
    const waitMs = Math.max(0, belowFromMs + DAY_MS - nowMs) + CAP_SPREAD_MS * shareOf(deviceId);
    throw new Refusal(
      'download_limit',
      `this device has been sent this build ${settings.downloadsPerDay} times over in the last 24 hours`,
      { retryAfterS: Math.ceil(waitMs / 1000) + 1 },
    );
  }

  async function send(ctx: Context, attempt: Attempt, device: DeviceIdentity): Promise<void> {
    const { buildId } = attempt;
    if ((await findOrCatchUp(feed, () => picture.snapshot)) === undefined)
      throw new Refusal('not_ready', 'no release has been applied yet', { retryAfterS: 10 });
    const isKnown = (): true | undefined => (isBuildId(buildId) && knownBuild(buildId) ? true : undefined);
    if ((await findOrCatchUp(feed, isKnown)) === undefined)
      throw new Refusal('build_unknown', 'no such build');
    const sdk = (await devices.get(device.deviceId))?.sdk;
    const build = await findOrCatchUp(feed, () => offered(device, buildId, sdk));
    if (build === undefined)
      throw new Refusal('build_not_offered', `build ${buildId} is not offered to this device now`);
    const link = ctx.get('Ota-Accept-Redirect') === '1' ? await apkLinks?.link(build.sha256) : undefined;
    const apk = link === undefined ? await openApk(build) : undefined;
    if (link === undefined && apk === undefined) {
      // Checks must not offer what downloads cannot send.
      await reconciler.recheck();
      throw new Refusal(
        'artifact_missing',
        'the APK of this build is missing from the artifact store or damaged: upload it again',
        { retryAfterS: 300 },
      );
    }

    describe(ctx, build);
    if (namesTag(ctx.get('If-None-Match') || undefined, tagOf(build))) {
      ctx.status = 304;
      if (ctx.method !== 'HEAD') await record(attempt, { code: 'ok', status: 304, bytes: 0 });
      return;
    }
    const range = rangeOf(
      ctx.get('Range') || undefined,
      ctx.get('If-Range') || undefined,
      tagOf(build),
      build.sizeBytes,
    );
    const { start, end } = extent(ctx, range, build.sizeBytes);
    if (ctx.method === 'HEAD') return;
    await needCap(attempt, build.sizeBytes);
    const asked = end - start + 1;
    const slot = budget.enter(device.deviceId, asked);
    if ('code' in slot)
      throw new Refusal(slot.code, 'too many downloads are running', { retryAfterS: slot.retryAfterS });
    if (apk === undefined) {
      slot.release(asked);
      redirect(ctx, link ?? '');
      await record(attempt, { code: 'ok', status: 307, bytes: 0, charged: asked });
      return;
    }
    const sent = await held(slot, () =>
      stream(ctx, apk, start, end, () => offered(device, buildId, sdk) !== undefined),
    );
    const code = sent.ending === 'sent' ? 'ok' : FAILURE_OF[sent.ending];
    const lastByte = sent.ending === 'sent' && end === build.sizeBytes - 1;
    await record(attempt, { code, status: ctx.res.statusCode, bytes: sent.bytes, lastByte });
  }

  /** Frees the place with the last byte: a device may request the next part before this one is recorded. */
  async function held(slot: Slot, work: () => ReturnType<typeof stream>): ReturnType<typeof stream> {
    let bytes = 0;
    try {
      const sent = await work();
      bytes = sent.bytes;
      return sent;
    } finally {
      slot.release(bytes);
    }
  }

  function stream(ctx: Context, apk: ApkBytes, start: number, end: number, allowed: () => boolean) {
    const res: ServerResponse = ctx.res;
    ctx.respond = false;
    res.writeHead(ctx.status);
    return sendPieces(res, apk.pieces(start, end), { stallMs: settings.stallMs, allowed });
  }

  return builder.device('GET', '/v1/agent/builds/:build_id/apk', async (ctx, device) => {
    const requestId = requestIdOf(ctx.req);
    const attempt = {
      deviceId: device.deviceId,
      buildId: param(ctx, 'build_id'),
      requestId,
      startedMs: monotonicMs(),
      recorded: false,
    };
    try {
      await send(ctx, attempt, device);
    } catch (error) {
      const { refusal, code } = failureOf(error);
      const { headersSent } = ctx.res;
      // The promised Content-Length cannot be met any more. Cutting the connection tells the device so.
      if (headersSent) ctx.res.destroy();
      const status = headersSent ? ctx.res.statusCode : refusal.status;
      if (ctx.method !== 'HEAD' && isBuildId(attempt.buildId) && !NOT_BEGUN.has(code))
        await record(attempt, { code, status, bytes: 0 });
      throw error;
    }
  });
}

/** The URL is a secret: it appears only in this answer. */
function redirect(ctx: Context, link: string): void {
  ctx.status = 307;
  ctx.body = '';
  for (const name of ['Content-Type', 'Content-Range', 'Accept-Ranges', 'ETag', 'Repr-Digest'])
    ctx.remove(name);
  ctx.set({ Location: link, 'Cache-Control': 'no-store' });
}

const tagOf = (build: Build): string => `"${build.sha256}"`;

function describe(ctx: Context, build: Build): void {
  ctx.set({
    'Content-Type': APK_TYPE,
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'private, no-transform',
    ETag: tagOf(build),
    // RFC 9530: always of the whole APK, even when a part of it is sent.
    'Repr-Digest': `sha-256=:${Buffer.from(build.sha256, 'hex').toString('base64')}:`,
  });
}

/** Sets status and lengths for the requested range. Refusal 416 when it lies beyond the end. */
function extent(ctx: Context, range: RangeVerdict, size: number): { start: number; end: number } {
  if (range.kind === 'unsatisfiable') {
    throw new Refusal('range_not_satisfiable', `the APK has ${size} bytes`, {
      headers: { 'Content-Range': `bytes */${size}` },
    });
  }
  const { start, end } = range.kind === 'part' ? range : { start: 0, end: size - 1 };
  ctx.status = range.kind === 'part' ? 206 : 200;
  if (range.kind === 'part') ctx.set('Content-Range', `bytes ${start}-${end}/${size}`);
  ctx.length = end - start + 1;
  return { start, end };
}
