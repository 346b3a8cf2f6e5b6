/** `POST /v1/devices/import` (SPEC §6): all rows in one transaction, or none. */
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { countText } from '../../domain/plan/words.ts';
import type { DeviceStore, NewDevice } from '../../ports/index.ts';
import { credentials } from '../agent/routes.ts';
import type { Contract } from '../contract.ts';
import type { DeviceTokens } from '../device-token.ts';
import type { Http } from '../options.ts';
import type { Refusal } from '../problem.ts';
import type { Route, RouteBuilder } from '../route.ts';
import { audited } from './audited.ts';
import { lostCanaries } from './canaries.ts';
import { isConfirmed, notConfirmed } from './confirmation.ts';
import { readImport } from './import-rows.ts';

const TURN_ROWS = 500;

type Enrolled = Awaited<ReturnType<DeviceStore['enrol']>>[number];

export function importRoute(
  http: Http,
  builder: RouteBuilder,
  contract: Contract,
  tokens: DeviceTokens,
): Route {
  const { devices, clock, picture } = http.ports;

  /** A known device keeps its token. A new device with an imported token gets only a nudge key. */
  function rowOf(enrolled: Enrolled, given: NewDevice | undefined): Record<string, unknown> {
    const { deviceId, generation, created, revoked } = enrolled;
    if (!created) return { device_id: deviceId, result: revoked ? 'revoked' : 'updated' };
    const { token, nudge_key } = credentials(http, tokens, deviceId, generation);
    const own = given?.tokenSha256 === undefined ? { token } : {};
    return { device_id: deviceId, result: 'created', ...own, nudge_key, generation };
  }

  /** In pieces: minting 100,000 tokens at once would block all update checks. */
  async function* answer(
    counts: Readonly<Record<string, number>>,
    enrolled: readonly Enrolled[],
    given: ReadonlyMap<string, NewDevice>,
    left: readonly string[],
  ): AsyncGenerator<string> {
    yield `${JSON.stringify(counts).slice(0, -1)},"devices":[`;
    let isFirst = true;
    for (let from = 0; from < enrolled.length; from += TURN_ROWS) {
      const rows = enrolled
        .slice(from, from + TURN_ROWS)
        .map(e => JSON.stringify(rowOf(e, given.get(e.deviceId))));
      yield (isFirst ? '' : ',') + rows.join(',');
      isFirst = false;
      await nextTurn();
    }
    const rest = left.map(deviceId => JSON.stringify({ device_id: deviceId, result: 'revoked' }));
    yield `${isFirst || rest.length === 0 ? '' : ','}${rest.join(',')}]}`;
  }

  return builder.admin('POST', '/v1/devices/import', 'devices', async (ctx, admin) => {
    const confirmed = isConfirmed(ctx);
    const { devices: rows, revoked: left } = await readImport(ctx, contract, http.settings);
    const lost = confirmed ? [] : lostCanaries(picture.snapshot, devices, rows);
    if (lost.length > 0) throw canariesLost(lost);
    const enrolled = await devices.enrol(rows, clock.nowMs(), tokens.kid, `admin:${admin.name}`);
    const created = enrolled.filter(e => e.created).length;
    const revoked = enrolled.filter(e => e.revoked).length;
    const counts = { created, updated: enrolled.length - created - revoked, revoked: revoked + left.length };
    await audited(http, admin, 'device.import', countText(enrolled.length + left.length, 'device'), counts);
    ctx.set('Cache-Control', 'no-store');
    ctx.type = 'application/json';
    const given = new Map(rows.map(row => [row.deviceId, row]));
    ctx.body = Readable.from(answer(counts, enrolled, given, left), { objectMode: false });
  });
}

const canariesLost = (lost: readonly string[]): Refusal =>
  notConfirmed(
    `this import takes ${lost.length} ${lost.length === 1 ? 'device' : 'devices'} out of the canaries of the rollout: ${lost.slice(0, 5).join(', ')}${lost.length > 5 ? ', …' : ''}`,
    lost,
  );
