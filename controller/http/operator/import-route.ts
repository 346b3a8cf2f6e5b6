/** `POST /v1/devices/import` (SPEC §6): all rows in one transaction, or none. */
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NewDevice } from '../../ports/index.ts';
import { credentials } from '../agent/routes.ts';
import type { Contract } from '../contract.ts';
import type { DeviceTokens } from '../device-token.ts';
import type { Http } from '../options.ts';
import type { Doors, Route } from '../route.ts';
import { audited } from './audited.ts';
import { readImport } from './import-rows.ts';

const TURN_ROWS = 500;

type Enrolled = { readonly deviceId: string; readonly generation: number; readonly created: boolean };

export function importRoute(http: Http, doors: Doors, contract: Contract, tokens: DeviceTokens): Route {
  const { devices, clock } = http.ports;

  /** A known device keeps its token. A new device with an imported token gets only a nudge key. */
  function rowOf(enrolled: Enrolled, given: NewDevice | undefined): Record<string, unknown> {
    const { deviceId, generation, created } = enrolled;
    if (!created) return { device_id: deviceId, result: 'updated' };
    const { token, nudge_key } = credentials(http, tokens, deviceId, generation);
    const own = given?.tokenSha256 === undefined ? { token } : {};
    return { device_id: deviceId, result: 'created', ...own, nudge_key, generation };
  }

  /** In pieces: minting 100,000 tokens at once would block all update checks. */
  async function* answer(
    enrolled: readonly Enrolled[],
    given: ReadonlyMap<string, NewDevice>,
  ): AsyncGenerator<string> {
    const created = enrolled.filter(e => e.created).length;
    yield `{"created":${created},"updated":${enrolled.length - created},"devices":[`;
    for (let from = 0; from < enrolled.length; from += TURN_ROWS) {
      const rows = enrolled
        .slice(from, from + TURN_ROWS)
        .map(e => JSON.stringify(rowOf(e, given.get(e.deviceId))));
      yield (from === 0 ? '' : ',') + rows.join(',');
      await nextTurn();
    }
    yield ']}';
  }

  return doors.admin('POST', '/v1/devices/import', 'devices', async (ctx, admin) => {
    const rows = await readImport(ctx, contract, http.settings);
    const enrolled = await devices.enrol(rows, clock.nowMs());
    const created = enrolled.filter(e => e.created).length;
    const detail = { created, updated: enrolled.length - created };
    await audited(http, admin, 'device.import', `${enrolled.length} devices`, detail);
    ctx.set('Cache-Control', 'no-store');
    ctx.type = 'application/json';
    ctx.body = Readable.from(answer(enrolled, new Map(rows.map(row => [row.deviceId, row]))), {
      objectMode: false,
    });
  });
}
