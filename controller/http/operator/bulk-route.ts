/**
 * `POST /v1/devices/bulk`: tags, revokes or erases many devices. Without confirmation it only says what it would do.
 */
import type * as Api from '../../../schemas/api.d.ts';
import { type DeviceChange, isChangedBy, tagsAfter } from '../../domain/device-change.ts';
import { countText } from '../../domain/plan/words.ts';
import { readChecked } from '../body.ts';
import type { Contract } from '../contract.ts';
import type { Http } from '../options.ts';
import { Refusal } from '../problem.ts';
import type { Route, RouteBuilder } from '../route.ts';
import { lostCanaries } from './canaries.ts';
import { isConfirmed, notConfirmed } from './confirmation.ts';

const ACTION = { tag: 'device.tags', revoke: 'device.revoke', delete: 'device.delete' } as const;
const SHOWN_UNKNOWN = 20;
/** A thousand ids of 64 characters, and their tags. */
const MAX_BYTES = 131_072;

function changeOf({ action, add = [], remove = [] }: Api.DeviceBulkRequest, nowMs: number): DeviceChange {
  if (action === 'revoke') return { kind: 'revoke', atMs: nowMs };
  if (action === 'delete') return { kind: 'erase' };
  if (add.length + remove.length === 0)
    throw new Refusal('body_invalid', 'say which tags to add or to remove');
  return { kind: 'tags', add, remove };
}

export function bulkRoute(http: Http, builder: RouteBuilder, contract: Contract): Route {
  const { devices, clock, picture } = http.ports;

  /** From memory: nothing is written. */
  function foretell(ids: readonly string[], change: DeviceChange) {
    const known = ids.flatMap(deviceId => {
      const auth = devices.auth(deviceId);
      return auth === undefined ? [] : [{ deviceId, ...auth }];
    });
    const unknown = ids.filter(id => devices.auth(id) === undefined);
    const changed = known.filter(device => isChangedBy(device, change));
    const lost =
      change.kind === 'tags'
        ? lostCanaries(
            picture.snapshot,
            devices,
            changed.map(d => ({ deviceId: d.deviceId, tags: tagsAfter(d.tags, change) })),
          )
        : [];
    return { changed: changed.length, unchanged: known.length - changed.length, unknown, lost };
  }

  return builder.admin('POST', '/v1/devices/bulk', 'devices', async (ctx, admin) => {
    const confirmed = isConfirmed(ctx);
    const given = await readChecked(ctx, contract, 'DeviceBulkRequest', MAX_BYTES);
    const { action, dry_run = false } = given;
    const change = changeOf(given, clock.nowMs());
    const told = foretell(given.devices, change);
    if (!dry_run && !confirmed)
      throw notConfirmed(`this would ${action} ${countText(told.changed, 'device')}`, told.lost);
    const actor = `admin:${admin.name}`;
    const atMs = clock.nowMs();
    const done = dry_run
      ? undefined
      : await devices.change(given.devices, change, (subject, detail) => ({
          atMs,
          actor,
          action: ACTION[action],
          subject,
          detail,
        }));
    if (done !== undefined) {
      const subject = countText(done.length, 'device');
      http.observe({ type: 'ota.admin', actor, action: `${ACTION[action]}.bulk`, subject });
    }
    const answer: Api.DeviceBulkResult = {
      action,
      dry_run,
      changed: done?.length ?? told.changed,
      unchanged: told.unchanged,
      unknown: told.unknown.length,
      unknown_devices: told.unknown.slice(0, SHOWN_UNKNOWN),
      leaving_canaries: told.lost.length,
    };
    ctx.body = answer;
  });
}
