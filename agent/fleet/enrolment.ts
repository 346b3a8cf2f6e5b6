/** Credentials for a fleet, from the answer of a bulk import: read from a file or requested now. */
import { type Dispatcher, request } from 'undici';
import { unreachable } from '../../controller/cli/unreachable.ts';
import { Fault } from '../../controller/domain/fault.ts';
import { isDeviceId } from '../../controller/domain/ids.ts';

export interface Credential {
  readonly deviceId: string;
  readonly token: string;
  /** 32 bytes. */
  readonly nudgeKey: Buffer | undefined;
}

const BATCH = 1000;
const fault = (code: string, message: string) => new Fault(code, message, { retry: 'never' });

/** Parses the answer of `POST /v1/devices/import`, or only its `devices`. Devices without a token are left out. */
export function parseCredentials(text: string): Credential[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Fault(
      'credentials_malformed',
      'the credentials are not JSON: give the answer of POST /v1/devices/import',
      { retry: 'never', cause },
    );
  }
  const rows = value !== null && typeof value === 'object' && 'devices' in value ? value.devices : value;
  if (!Array.isArray(rows))
    throw fault(
      'credentials_malformed',
      'the credentials are not a list of devices: give the answer of POST /v1/devices/import',
    );
  return rows.flatMap((row: Readonly<Record<string, unknown>>, index) => {
    const { device_id: deviceId, token, nudge_key: nudgeKey } = row ?? {};
    if (typeof deviceId !== 'string' || !isDeviceId(deviceId))
      throw fault('credentials_malformed', `row ${index + 1} has no device_id`);
    if (typeof token !== 'string') return [];
    return [
      {
        deviceId,
        token,
        nudgeKey: typeof nudgeKey === 'string' ? Buffer.from(nudgeKey, 'base64') : undefined,
      },
    ];
  });
}

const PAGE = 1000;

interface Operator {
  readonly controller: URL;
  readonly adminToken: string;
  readonly dispatcher: Dispatcher;
}

/** Fault `controller_unreachable` if nobody answers. */
async function ask(
  { controller, adminToken, dispatcher }: Operator,
  method: 'GET' | 'POST',
  url: URL,
  json?: unknown,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const { statusCode, body } = await request(url, {
      method,
      headers: {
        authorization: `Bearer ${adminToken}`,
        ...(json !== undefined && { 'content-type': 'application/json' }),
      },
      body: json === undefined ? null : JSON.stringify(json),
      dispatcher,
    });
    return { status: statusCode, text: await body.text() };
  } catch (cause) {
    throw unreachable(controller.href, method, url.pathname, cause, '--url');
  }
}

const refused = (status: number, what: string): Fault =>
  fault(
    'enrolment_refused',
    `the controller answered ${status} to ${what}${status === 401 ? '\n  check that OTA_ADMIN_TOKEN belongs to this controller and is neither expired nor revoked' : ''}`,
  );

/** The ids that the controller already knows; empty if the token may not list devices. */
async function knownOf(operator: Operator, deviceIds: ReadonlySet<string>): Promise<string[]> {
  const known: string[] = [];
  for (let after: string | undefined; ; ) {
    const url = new URL('v1/devices', operator.controller);
    url.searchParams.set('limit', String(PAGE));
    if (after !== undefined) url.searchParams.set('after', after);
    const { status, text } = await ask(operator, 'GET', url);
    if (status === 403) return known;
    if (status !== 200) throw refused(status, 'the list of devices');
    const page = JSON.parse(text) as { devices: { device_id: string }[]; next_after: string | null };
    known.push(...page.devices.map(device => device.device_id).filter(id => deviceIds.has(id)));
    if (page.next_after === null) return known;
    after = page.next_after;
  }
}

/**
 * Enrols these ids and returns their tokens. All must be new to the controller: an import only updates known devices and
 * returns no token for them. Faults: `controller_unreachable`, `enrolment_refused`, `enrolment_known` before any change.
 */
export async function enrol(
  controller: URL,
  adminToken: string,
  deviceIds: readonly string[],
  dispatcher: Dispatcher,
): Promise<Credential[]> {
  const operator = { controller, adminToken, dispatcher };
  const known = await knownOf(operator, new Set(deviceIds));
  if (known.length > 0) throw enrolledAlready(known.length, known);
  const credentials: Credential[] = [];
  for (let from = 0; from < deviceIds.length; from += BATCH) {
    const devices = deviceIds.slice(from, from + BATCH).map(device_id => ({ device_id }));
    const url = new URL('v1/devices/import', controller);
    const { status, text } = await ask(operator, 'POST', url, { devices });
    if (status !== 200) throw refused(status, `the import of ${devices.length} devices`);
    credentials.push(...parseCredentials(text));
  }
  if (credentials.length < deviceIds.length) throw enrolledAlready(deviceIds.length - credentials.length, []);
  return credentials;
}

function enrolledAlready(count: number, known: readonly string[]): Fault {
  const named =
    known.length === 0 ? '' : ` (${known.slice(0, 3).join(', ')}${known.length > 3 ? ', …' : ''})`;
  return fault(
    'enrolment_known',
    `${count} of these devices are enrolled already${named}\n  their tokens cannot be shown again: use another --prefix, or --credentials FILE`,
  );
}
