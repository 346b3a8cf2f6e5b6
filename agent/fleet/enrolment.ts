/** Credentials for a fleet: from the answer of a bulk import, kept in a file or asked for just now. */
import { type Dispatcher, request } from 'undici';
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

/** The JSON that `POST /v1/devices/import` answers, or its `devices` alone. Devices without a token are left out. */
export function parseCredentials(text: string): Credential[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Fault('credentials_malformed', 'the credentials are not JSON', { retry: 'never', cause });
  }
  const rows = value !== null && typeof value === 'object' && 'devices' in value ? value.devices : value;
  if (!Array.isArray(rows)) throw fault('credentials_malformed', 'the credentials are no list of devices');
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

/** Enrols the ids that are new to the controller and gives their tokens. Faults: `enrolment_refused`, `enrolment_known`. */
export async function enrol(
  controller: URL,
  adminToken: string,
  deviceIds: readonly string[],
  dispatcher: Dispatcher,
): Promise<Credential[]> {
  const credentials: Credential[] = [];
  for (let from = 0; from < deviceIds.length; from += BATCH) {
    const devices = deviceIds.slice(from, from + BATCH).map(device_id => ({ device_id }));
    const answer = await request(new URL('v1/devices/import', controller), {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ devices }),
      dispatcher,
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200)
      throw fault(
        'enrolment_refused',
        `the controller answered ${answer.statusCode} to the import of ${devices.length} devices`,
      );
    credentials.push(...parseCredentials(text));
  }
  if (credentials.length < deviceIds.length)
    throw fault(
      'enrolment_known',
      `${deviceIds.length - credentials.length} of these devices are enrolled already and keep their tokens: use another --prefix, or --credentials FILE`,
    );
  return credentials;
}
