/**
 * The update check (SPEC §5), the hot route. `answer` is synchronous, except for tokens that are not known yet. The
 * check is served ahead of Koa by {@link UpdateCheck.handle} and also as a Koa route; a test compares the two.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { decide, type HoldReason } from '../../domain/decision.ts';
import type { Event } from '../../domain/event.ts';
import { isRequestId } from '../../domain/ids.ts';
import type { CheckIn } from '../../ports/index.ts';
import type { Auth } from '../auth.ts';
import { hasBody } from '../body.ts';
import { Behind } from '../catch-up.ts';
import { failureOf } from '../failure.ts';
import type { Http } from '../options.ts';
import { PROBLEM_TYPE, problemBody, Refusal } from '../problem.ts';
import { makeSlotLimit } from '../rate.ts';
import { makeManifests } from './manifest.ts';
import { makeRecent } from './recent.ts';
import { makeRenewal, RENEW_HEADER } from './renewal.ts';
import { makeTurn } from './turn.ts';
import { makeUpdateQueryReader } from './update-query.ts';

export const UPDATE_ROUTE = '/v1/agent/update';
const NO_HEADERS: readonly string[] = [];
/** The ETag of every answer that says there is nothing to do. */
const NONE_TAG = '"none"';

/** What is sent, and what is recorded after that. */
export interface CheckAnswer {
  readonly status: number;
  /** Name, value, name, value: the form that `writeHead` takes. */
  readonly headers: readonly string[];
  readonly body: string | undefined;
  readonly event: Event | undefined;
  readonly checkIn: CheckIn | undefined;
}

export interface UpdateCheck {
  /** A promise only for a token that another controller may have made just now; else synchronous. */
  answer(req: IncomingMessage): CheckAnswer | Promise<CheckAnswer>;
  /** Records events and the check-in. Called after the response was written. */
  record(answer: CheckAnswer, method: string, startedMs: number): void;
  /** True when the request was an update check and has been answered. */
  handle(req: IncomingMessage, res: ServerResponse): boolean;
}

/** How many answers of one turn may wait for one another; more would only delay the first of them. */
const ANSWERS_A_TURN = 128;
/** How many attempts are remembered, to recognise a repeated offer. A forgotten attempt counts as new. */
const REMEMBERED_OFFERS = 65_536;

export const strictTransport = (hstsMaxAgeS: number): readonly string[] =>
  hstsMaxAgeS > 0 ? ['Strict-Transport-Security', `max-age=${hstsMaxAgeS}`] : [];

/** RFC 9110 §13.1.2 weak comparison, by hand because `fresh` never matches when a client sends `no-cache`. */
export function namesTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === tag || ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some(part => part.trim().replace(/^W\//, '') === tag);
}

export function requestIdOf(req: IncomingMessage): string | undefined {
  const id = req.headers['ota-request-id'];
  if (id === undefined) return undefined;
  if (typeof id === 'string' && isRequestId(id)) return id;
  throw new Refusal('request_id_invalid', 'Ota-Request-Id must match [A-Za-z0-9-]{8,64}');
}

export function makeUpdateCheck(http: Http, auth: Auth): UpdateCheck {
  const { settings, observe, monotonicMs } = http;
  const { apkLinks, picture, clock, devices, feed, outcomes } = http.ports;
  const limit = makeSlotLimit({ perMinute: settings.checksPerMinute, monotonicMs });

  const common = [
    'Cache-Control',
    'private, no-store',
    'Ota-Poll-Interval',
    `${settings.pollIntervalS};jitter=${settings.pollJitterS}`,
    ...strictTransport(settings.hstsMaxAgeS),
  ];
  const offered = makeRecent(REMEMBERED_OFFERS);
  const readQuery = makeUpdateQueryReader();
  const manifests = makeManifests(settings, [...common, 'Content-Type', 'application/json; charset=utf-8']);
  const holdHeaders = new Map<HoldReason, readonly string[]>();
  const headersOfHold = (reason: HoldReason): readonly string[] => {
    const known = holdHeaders.get(reason);
    if (known !== undefined) return known;
    const made = [...common, 'ETag', NONE_TAG, 'Ota-Decision', reason];
    holdHeaders.set(reason, made);
    return made;
  };
  const idHeader = (id: string | undefined): readonly string[] =>
    id === undefined ? NO_HEADERS : ['Ota-Request-Id', id];
  const withMore = (headers: readonly string[], more: readonly string[]): readonly string[] =>
    more.length === 0 ? headers : [...headers, ...more];
  const wantsRenewal = makeRenewal({
    clock,
    kid: http.tokenKeys[0].kid,
    renewAfterMs: settings.tokenRenewAfterMs,
    perMinute: settings.tokenRenewalsPerMinute,
    monotonicMs,
  });

  function decided(req: IncomingMessage, isSecond: boolean): CheckAnswer {
    const identity = auth.device(req, UPDATE_ROUTE, isSecond);
    const { deviceId, auth: known } = identity;
    const waitS = limit.take(known.slot);
    if (waitS > 0)
      throw new Refusal('rate_limited', 'this device sends too many update checks', { retryAfterS: waitS });
    const url = req.url ?? '';
    const requestId = requestIdOf(req);
    const { versionCode, buildId, sdk, signer } = readQuery(url.slice(UPDATE_ROUTE.length + 1));
    const { snapshot } = picture;
    if (snapshot === undefined && !isSecond) throw new Behind();
    if (snapshot === undefined)
      throw new Refusal('not_ready', 'no release has been applied yet', { retryAfterS: 10 });
    const atMs = clock.nowMs();
    const decision = decide(
      snapshot,
      { deviceId, tags: known.tags, versionCode, buildId, sdk, signer },
      atMs,
    );
    const checkIn = { deviceId, atMs, versionCode, buildId, sdk, signer };
    const seen = { revision: snapshot.revision, deviceId, requestId };
    const more = wantsRenewal(identity) ? [...RENEW_HEADER, ...idHeader(requestId)] : idHeader(requestId);
    if (decision.kind === 'offer') {
      const { body, headers } = manifests(snapshot, decision);
      const { build, eligibleBy } = decision;
      const event = {
        type: 'ota.manifest.200',
        ...seen,
        buildId: build.buildId,
        eligibleBy,
        versionCode,
        repeated:
          requestId !== undefined &&
          req.method === 'GET' &&
          offered.sawBefore(`${deviceId} ${requestId} ${build.buildId}`),
      } as const;
      return { status: 200, headers: withMore(headers, more), body, event, checkIn };
    }
    const { reason } = decision;
    const status = namesTag(req.headers['if-none-match'], NONE_TAG) ? 304 : 204;
    const event = { type: 'ota.manifest.304', ...seen, reason, versionCode, status } as const;
    return { status, headers: withMore(headersOfHold(reason), more), body: undefined, event, checkIn };
  }

  function refused(req: IncomingMessage, error: unknown): CheckAnswer {
    const { refusal, unexpected, code } = failureOf(error);
    const body = problemBody(refusal);
    const headers = [
      ...common,
      'Content-Type',
      PROBLEM_TYPE,
      'Content-Length',
      String(Buffer.byteLength(body)),
    ];
    for (const [name, value] of Object.entries(refusal.headers)) headers.push(name, value);
    const message = error instanceof Error ? error.message : 'unknown';
    const event: Event | undefined = unexpected
      ? { type: 'ota.http.fail', method: req.method ?? '', route: UPDATE_ROUTE, code, message }
      : undefined;
    return { status: refusal.status, headers, body, event, checkIn: undefined };
  }

  function answer(req: IncomingMessage): CheckAnswer | Promise<CheckAnswer> {
    try {
      return decided(req, feed === undefined);
    } catch (error) {
      return error instanceof Behind ? answerAfresh(req) : refused(req, error);
    }
  }

  async function answerAfresh(req: IncomingMessage): Promise<CheckAnswer> {
    try {
      await feed?.catchUp();
      return decided(req, true);
    } catch (error) {
      return refused(req, error);
    }
  }

  /** When the object store sends the APKs, the check is the only sign that a device has one. */
  function confirm({ event, checkIn }: CheckAnswer): void {
    if (event?.type !== 'ota.manifest.200' || checkIn === undefined || event.requestId === undefined) return;
    const { deviceId, buildId, requestId } = event;
    outcomes.confirmDownload({ deviceId, buildId, requestId, atMs: checkIn.atMs });
  }

  function record(given: CheckAnswer, method: string, startedMs: number): void {
    // HEAD only looks: it is neither a check-in nor a check.
    if (method !== 'HEAD') {
      if (given.checkIn !== undefined) devices.checkIn(given.checkIn);
      if (given.event !== undefined) observe(given.event);
      if (apkLinks !== undefined) confirm(given);
    }
    observe({
      type: 'ota.http',
      method,
      route: UPDATE_ROUTE,
      status: given.status,
      ms: monotonicMs() - startedMs,
    });
  }

  const finish = makeTurn<{ res: ServerResponse; given: CheckAnswer; startedMs: number }>({
    send: ({ res, given }) => {
      res.writeHead(given.status, given.headers as string[]);
      res.end(given.body);
    },
    record: ({ given, startedMs }) => record(given, 'GET', startedMs),
    failed: ({ res }, error) => {
      res.destroy();
      const message = error instanceof Error ? error.message : 'unknown';
      observe({ type: 'ota.http.fail', method: 'GET', route: UPDATE_ROUTE, code: 'internal', message });
    },
    most: ANSWERS_A_TURN,
    atEnd: setImmediate,
  });

  return {
    answer,
    record,
    handle: (req, res) => {
      const url = req.url ?? '';
      // A body is unusual here, and Koa's exit knows how to leave one unread.
      if (hasBody(req) || req.headers.expect !== undefined) return false;
      if (req.method !== 'GET' || !url.startsWith(UPDATE_ROUTE)) return false;
      if (url.length > UPDATE_ROUTE.length && url.charCodeAt(UPDATE_ROUTE.length) !== 63) return false;
      const startedMs = monotonicMs();
      const given = answer(req);
      if (given instanceof Promise) void given.then(late => finish({ res, given: late, startedMs }));
      else finish({ res, given, startedMs });
      return true;
    },
  };
}
