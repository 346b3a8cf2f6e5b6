/**
 * What every check needs of every enrolled device, in memory: one Map from id to slot, all else in flat arrays, so
 * that a million devices fit and the update check never waits for the database. Holds only what is committed, and
 * what devices said when they last checked in.
 */
import type { CheckInGaps } from '../domain/check-in-gaps.ts';
import type { BuildId, DeviceId, Sha256 } from '../domain/ids.ts';
import type { CheckIn, DeviceAuth, FleetCounts } from '../ports/index.ts';
import { GapTable } from './gap-table.ts';
import { Interned, ownString } from './interned.ts';
import type { ImportedToken, PreviousGeneration, RegisteredDevice } from './registered-device.ts';
import { TokenTable } from './token-table.ts';

interface Running {
  readonly versionCode: number;
  readonly buildId: BuildId | undefined;
}

const FREE = 0;
const LIVE = 1;
const REVOKED = 2;
const NEVER = Number.NEGATIVE_INFINITY;
const NO_TAGS: readonly string[] = Object.freeze([]);

export class Registry {
  readonly #slots = new Map<DeviceId, number>();
  readonly #ids: DeviceId[] = [];
  readonly #free: number[] = [];
  #standing = new Uint8Array(0);
  #generations = new Uint32Array(0);
  #seenMs = new Float64Array(0);
  #running = new Uint32Array(0);
  #tagSets = new Uint32Array(0);
  #kids = new Uint32Array(0);
  #issuedMs = new Float64Array(0);
  /** Only devices in the middle of a renewal. */
  readonly #previous = new Map<number, PreviousGeneration>();
  readonly #kidNames = new Interned<string>();
  readonly #versions = new Interned<Running>();
  readonly #tags = new Interned<readonly string[]>();
  readonly #tokens = new TokenTable();
  readonly #gaps = new GapTable();
  #revoked = 0;

  /** How many different builds the devices report. */
  get versions(): number {
    return this.#versions.size;
  }

  auth(deviceId: DeviceId): DeviceAuth | undefined {
    const slot = this.#slots.get(deviceId);
    if (slot === undefined) return undefined;
    const previous = this.#previous.get(slot);
    return {
      slot,
      generation: this.#generations[slot] ?? 0,
      previousGeneration: previous?.generation ?? 0,
      previousUntilMs: previous?.untilMs ?? 0,
      revoked: this.#standing[slot] === REVOKED,
      tags: this.#tags.get(this.#tagSets[slot] ?? 0) ?? NO_TAGS,
      kid: this.#kidNames.get(this.#kids[slot] ?? 0),
      tokenIssuedAtMs: this.#issuedMs[slot] ?? 0,
    };
  }

  tags(deviceId: DeviceId): readonly string[] {
    return this.auth(deviceId)?.tags ?? NO_TAGS;
  }

  /** An imported token is valid as long as its generation. */
  deviceOfToken(sha256: Sha256, nowMs: number): DeviceId | undefined {
    const found = this.#tokens.find(sha256);
    if (found === undefined) return undefined;
    const newest = this.#generations[found.slot] ?? 0;
    const previous = this.#previous.get(found.slot);
    const accepted =
      found.generation === newest || (found.generation === previous?.generation && nowMs < previous.untilMs);
    return accepted ? this.#ids[found.slot] : undefined;
  }

  /** A new device; `deviceId` must not be known. */
  add(device: RegisteredDevice): void {
    const deviceId = ownString(device.deviceId);
    const slot = this.#free.pop() ?? this.#ids.length;
    this.#reserve(slot);
    this.#ids[slot] = deviceId;
    this.#slots.set(deviceId, slot);
    this.#standing[slot] = device.revoked ? REVOKED : LIVE;
    if (device.revoked) this.#revoked += 1;
    this.#generations[slot] = device.generation;
    this.#seenMs[slot] = NEVER;
    this.#running[slot] = 0;
    this.#tagSets[slot] = this.#acquireTags(device.tags);
    this.#kids[slot] = device.kid === undefined ? 0 : this.#acquireKid(device.kid);
    this.#issuedMs[slot] = device.tokenIssuedAtMs;
    if (device.previous !== undefined) this.#previous.set(slot, device.previous);
    if (device.token !== undefined) this.#tokens.set(slot, device.token.sha256, device.token.generation);
  }

  setTags(deviceId: DeviceId, tags: readonly string[]): void {
    const slot = this.#known(deviceId);
    const before = this.#tagSets[slot] ?? 0;
    this.#tagSets[slot] = this.#acquireTags(tags);
    this.#tags.release(before);
  }

  setToken(deviceId: DeviceId, token: ImportedToken | undefined): void {
    const slot = this.#known(deviceId);
    if (token === undefined) this.#tokens.clear(slot);
    else this.#tokens.set(slot, token.sha256, token.generation);
  }

  /** `issuedAtMs`: left out if no new token was made. */
  setGeneration(
    deviceId: DeviceId,
    generation: number,
    previous: PreviousGeneration | undefined,
    issuedAtMs?: number,
  ): void {
    const slot = this.#known(deviceId);
    this.#generations[slot] = generation;
    if (issuedAtMs !== undefined) this.#issuedMs[slot] = issuedAtMs;
    if (previous !== undefined) this.#previous.set(slot, previous);
    else this.#previous.delete(slot);
  }

  setKid(deviceId: DeviceId, kid: string): void {
    const slot = this.#known(deviceId);
    const before = this.#kids[slot] ?? 0;
    this.#kids[slot] = this.#acquireKid(kid);
    this.#kidNames.release(before);
  }

  /** Counts unrevoked devices by the key of the token that they used last; `undefined`: no token was seen yet. */
  kids(): Map<string | undefined, number> {
    const tally = new Uint32Array(this.#kidNames.length);
    for (let slot = 0; slot < this.#ids.length; slot += 1)
      if (this.#standing[slot] === LIVE)
        tally[this.#kids[slot] ?? 0] = (tally[this.#kids[slot] ?? 0] ?? 0) + 1;
    const counted = new Map<string | undefined, number>();
    for (const [kid, devices] of tally.entries())
      if (devices > 0) counted.set(this.#kidNames.get(kid), devices);
    return counted;
  }

  revoke(deviceId: DeviceId): void {
    const slot = this.#known(deviceId);
    if (this.#standing[slot] === REVOKED) return;
    this.#standing[slot] = REVOKED;
    this.#revoked += 1;
    this.#gaps.count(slot, -1);
  }

  readmit(deviceId: DeviceId, generation: number, tokenIssuedAtMs: number): void {
    const slot = this.#known(deviceId);
    if (this.#standing[slot] === REVOKED) {
      this.#revoked -= 1;
      this.#gaps.count(slot, 1);
    }
    this.#standing[slot] = LIVE;
    this.setGeneration(deviceId, generation, undefined, tokenIssuedAtMs);
  }

  remove(deviceId: DeviceId): void {
    const slot = this.#known(deviceId);
    this.#tokens.clear(slot);
    if (this.#standing[slot] === REVOKED) this.#revoked -= 1;
    else this.#gaps.count(slot, -1);
    this.#gaps.clear(slot);
    this.#standing[slot] = FREE;
    this.#versions.release(this.#running[slot] ?? 0);
    this.#running[slot] = 0;
    this.#tags.release(this.#tagSets[slot] ?? 0);
    this.#tagSets[slot] = 0;
    this.#kidNames.release(this.#kids[slot] ?? 0);
    this.#kids[slot] = 0;
    this.#previous.delete(slot);
    this.#slots.delete(deviceId);
    this.#ids[slot] = '';
    this.#free.push(slot);
  }

  /** False for a device that is not enrolled. Gaps from before `upSinceMs` are not learnt: we may have been away. */
  seen(
    row: Pick<CheckIn, 'deviceId' | 'atMs' | 'versionCode' | 'buildId'>,
    upSinceMs = Number.POSITIVE_INFINITY,
  ): boolean {
    const slot = this.#slots.get(row.deviceId);
    if (slot === undefined) return false;
    const lastMs = this.#seenMs[slot] ?? NEVER;
    if (lastMs >= upSinceMs) this.#gaps.saw(slot, row.atMs - lastMs, this.#standing[slot] === LIVE);
    this.#seenMs[slot] = row.atMs;
    const before = this.#running[slot] ?? 0;
    const known = this.#versions.get(before);
    if (known?.versionCode === row.versionCode && known.buildId === row.buildId) return true;
    this.#running[slot] = this.#versions.acquire(`${row.versionCode} ${row.buildId ?? ''}`, () => ({
      versionCode: row.versionCode,
      buildId: row.buildId === undefined ? undefined : ownString(row.buildId),
    }));
    this.#versions.release(before);
    return true;
  }

  /** When the device last checked in, Unix ms; -Infinity if never, or if it is not enrolled. */
  seenMs(deviceId: DeviceId): number {
    return this.#seenMs[this.#slots.get(deviceId) ?? -1] ?? NEVER;
  }

  /** How often the device checks in, in whole seconds; undefined until a gap was observed. */
  gapOf(deviceId: DeviceId): number | undefined {
    return this.#gaps.get(this.#slots.get(deviceId) ?? -1);
  }

  /** Restores the result of {@link gapOf} from before a restart. */
  setGap(deviceId: DeviceId, gapS: number): void {
    const slot = this.#known(deviceId);
    this.#gaps.set(slot, gapS, this.#standing[slot] === LIVE);
  }

  /** Over all unrevoked devices; costs the same for any fleet. */
  checkInGaps(): CheckInGaps {
    return this.#gaps.all();
  }

  /** One pass over flat arrays: a few milliseconds for a million devices. */
  counts(sinceMs: number): FleetCounts {
    const tally = new Uint32Array(this.#versions.length);
    for (let slot = 0; slot < this.#ids.length; slot += 1) {
      if (this.#standing[slot] !== LIVE || (this.#seenMs[slot] ?? NEVER) < sinceMs) continue;
      const version = this.#running[slot] ?? 0;
      tally[version] = (tally[version] ?? 0) + 1;
    }
    const running: FleetCounts['running'][number][] = [];
    let active = 0;
    for (const [version, devices] of tally.entries()) {
      const known = this.#versions.get(version);
      if (devices === 0 || known === undefined) continue;
      active += devices;
      running.push({ ...known, devices });
    }
    return { enrolled: this.#slots.size - this.#revoked, active, running };
  }

  #known(deviceId: DeviceId): number {
    const slot = this.#slots.get(deviceId);
    if (slot === undefined) throw new Error('assertion: the registry and the database disagree on a device');
    return slot;
  }

  #acquireKid(kid: string): number {
    return this.#kidNames.acquire(kid, () => ownString(kid));
  }

  #acquireTags(tags: readonly string[]): number {
    if (tags.length === 0) return 0;
    const own = [...new Set(tags)].sort();
    return this.#tags.acquire(own.join(' '), () => Object.freeze(own.map(ownString)));
  }

  #reserve(slot: number): void {
    if (slot < this.#standing.length) return;
    const capacity = Math.max(1_024, slot + 1, Math.ceil(this.#standing.length * 1.5));
    this.#standing = grown(this.#standing, new Uint8Array(capacity));
    this.#generations = grown(this.#generations, new Uint32Array(capacity));
    this.#seenMs = grown(this.#seenMs, new Float64Array(capacity));
    this.#running = grown(this.#running, new Uint32Array(capacity));
    this.#tagSets = grown(this.#tagSets, new Uint32Array(capacity));
    this.#kids = grown(this.#kids, new Uint32Array(capacity));
    this.#issuedMs = grown(this.#issuedMs, new Float64Array(capacity));
    this.#gaps.reserve(capacity);
  }
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
