/** The enrolled fleet, where a controller can be asked: real counts beside the nominal ones. Never a reason to fail. */
import { Fault } from '../domain/fault.ts';
import type { FleetDevice } from '../domain/plan/fleet.ts';
import { controllerClient } from './client.ts';
import { type DeviceOnWire, listDevices } from './device-print.ts';
import type { Io } from './io.ts';

/** Above it the hash alone is near enough to every percentage (SPEC §3), and listing would take long. */
const LARGEST = 10_000;

export type FleetAnswer =
  | { readonly kind: 'counted'; readonly devices: readonly FleetDevice[] }
  | { readonly kind: 'large' }
  /** `why` completes "nominal counts only: …". */
  | { readonly kind: 'unknown'; readonly why: string };

export async function askFleet(io: Pick<Io, 'controller'>, offline: boolean): Promise<FleetAnswer> {
  if (offline) return { kind: 'unknown', why: '--offline' };
  if (io.controller.token === undefined) return { kind: 'unknown', why: 'OTA_ADMIN_TOKEN is not set' };
  try {
    const rows = await listDevices(controllerClient(io), undefined, LARGEST + 1);
    if (rows.length > LARGEST) return { kind: 'large' };
    return { kind: 'counted', devices: rows.filter(row => row.revoked_at === null).map(deviceOf) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: 'unknown', why: error.message.split('\n')[0] ?? error.code };
  }
}

const deviceOf = (row: DeviceOnWire): FleetDevice => ({
  deviceId: row.device_id,
  tags: row.tags,
  versionCode: row.version_code ?? undefined,
  buildId: row.build_id ?? undefined,
  sdk: row.sdk ?? undefined,
  signer: row.signer ?? undefined,
  lastSeenMs: row.last_seen_at === null ? undefined : Date.parse(row.last_seen_at),
});
