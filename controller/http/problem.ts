/** Error answers as RFC 9457 problem+json: the closed table of stable codes, and their rendering. */
import { STATUS_CODES } from 'node:http';

/** Code → status. Clients may rely on both; the text of `detail` may change. */
export const PROBLEM_STATUS = {
  // the request itself
  query_invalid: 400,
  request_id_invalid: 400,
  path_invalid: 400,
  json_malformed: 400,
  body_invalid: 400,
  body_aborted: 400,
  import_invalid: 400,
  route_unknown: 404,
  method_not_allowed: 405,
  expectation_failed: 417,
  body_timeout: 408,
  body_too_large: 413,
  media_type_unsupported: 415,
  // who asks
  token_missing: 401,
  token_malformed: 401,
  token_invalid: 401,
  token_revoked: 401,
  token_superseded: 401,
  token_expired: 401,
  device_unknown: 401,
  signature_invalid: 401,
  scope_missing: 403,
  // how often
  rate_limited: 429,
  auth_rate_limited: 429,
  download_limit: 429,
  // what is asked for
  build_unknown: 404,
  device_not_found: 404,
  token_not_found: 404,
  destination_not_found: 404,
  artifact_not_found: 404,
  device_exists: 409,
  device_revoked: 409,
  confirmation_needed: 409,
  token_exists: 409,
  token_taken: 409,
  result_conflict: 409,
  artifact_in_use: 409,
  brake_nothing: 409,
  resume_nothing: 409,
  notify_off: 409,
  build_not_offered: 410,
  range_not_satisfiable: 416,
  // uploads
  sha256_mismatch: 422,
  artifact_rejected: 422,
  too_large: 413,
  quota_exceeded: 507,
  disk_full: 507,
  // not now
  not_ready: 503,
  artifact_missing: 503,
  busy: 503,
  webhook_off: 503,
  unavailable: 503,
  internal: 500,
} as const;
export type HttpCode = keyof typeof PROBLEM_STATUS;

export const PROBLEM_TYPE = 'application/problem+json';

interface RefusalOptions {
  /** Seconds; sent as `Retry-After`. */
  readonly retryAfterS?: number | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the problem object, snake_case. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error answer. Routes throw it and the outer middleware renders it. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: HttpCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: HttpCode, detail: string, options: RefusalOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = PROBLEM_STATUS[code];
    const retry = options.retryAfterS === undefined ? {} : { 'Retry-After': String(options.retryAfterS) };
    const challenge = this.status === 401 ? { 'WWW-Authenticate': 'Bearer realm="ota"' } : {};
    this.headers = { ...challenge, ...retry, ...options.headers };
    this.members = options.members ?? {};
  }
}

/** The body of a problem: `type`, `title`, `status`, `code`, `detail` and the refusal's own members. */
export const problemBody = (refusal: Refusal): string =>
  JSON.stringify({
    type: `urn:nexmdm-ota:problem:${refusal.code}`,
    title: STATUS_CODES[refusal.status] ?? 'Error',
    status: refusal.status,
    code: refusal.code,
    detail: refusal.message,
    ...refusal.members,
  });
