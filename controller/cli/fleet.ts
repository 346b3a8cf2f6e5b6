/** Asks the controller for the enrolled fleet, so that plans show real counts too. A failure only leaves them out. */

import { HOUR_MS } from '../domain/duration.ts';
import { Fault } from '../domain/fault.ts';
import type { DeviceId } from '../domain/ids.ts';
import type { FleetDevice } from '../domain/plan/fleet.ts';
import { controllerClient } from './client.ts';
import type { DeviceOnWire } from './device-print.ts';
import { listDevices } from './device-select.ts';
import type { Io } from './io.ts';
import type { RolloutAnswer } from './rollout-answer.ts';

/** In a larger fleet the hash alone matches every percentage well (SPEC §3), and listing would take long. */
const LARGEST = 10_000;

/** The active window if the controller does not tell its `OTA_ACTIVE_WINDOW`: the default of that setting. */
const ACTIVE_WITHIN_MS = 72 * HOUR_MS;

export type FleetAnswer =
  | {
      readonly kind: 'counted';
      readonly devices: readonly FleetDevice[];
      /** The devices that a rollout will really reach; all devices if none has checked in lately. */
      readonly active: readonly DeviceId[];
      /** The word for `active` in texts: `active devices`, or `enrolled devices`. */
      readonly activeWord: string;
      /** A device is active if it was seen within this time. */
      readonly activeWithinMs: number;
    }
  | { readonly kind: 'large' }
  /** `why` completes "nominal counts only: …". */
  | { readonly kind: 'unknown'; readonly why: string };

export async function askFleet(
  io: Pick<Io, 'controller' | 'nowMs'>,
  offline: boolean,
  answer: RolloutAnswer,
): Promise<FleetAnswer> {
  if (offline) return { kind: 'unknown', why: '--offline' };
  if (io.controller.token === undefined) return { kind: 'unknown', why: 'OTA_ADMIN_TOKEN is not set' };
  try {
    const rows = await listDevices(controllerClient(io), {}, LARGEST + 1);
    if (rows.length > LARGEST) return { kind: 'large' };
    return counted(
      rows.filter(row => row.revoked_at === null),
      io.nowMs(),
      windowOf(answer),
    );
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: 'unknown', why: error.message.split('\n')[0] ?? error.code };
  }
}

function windowOf(answer: RolloutAnswer): number {
  const tellsS = answer.kind === 'known' ? answer.view.fleet.active_window_s : undefined;
  return tellsS === undefined ? ACTIVE_WITHIN_MS : tellsS * 1000;
}

function counted(rows: readonly DeviceOnWire[], nowMs: number, activeWithinMs: number): FleetAnswer {
  const lately = rows.filter(
    row => row.last_seen_at !== null && nowMs - Date.parse(row.last_seen_at) <= activeWithinMs,
  );
  const active = (lately.length > 0 ? lately : rows).map(row => row.device_id);
  const noun = active.length === 1 ? 'device' : 'devices';
  const activeWord = `${lately.length > 0 ? 'active' : 'enrolled'} ${noun}`;
  return { kind: 'counted', devices: rows.map(deviceOf), active, activeWord, activeWithinMs };
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
