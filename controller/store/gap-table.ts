/** How often each device checks in: one byte per slot of the registry, and a tally over the devices that count. */
import { blended, type CheckInGaps, GAP_PLACES, gapAt, gapsOf, placeOf } from '../domain/check-in-gaps.ts';

export class GapTable {
  #places = new Uint8Array(0);
  readonly #tally = new Uint32Array(GAP_PLACES);

  /** In whole seconds; undefined while no gap was observed. */
  get(slot: number): number | undefined {
    const place = this.#places[slot] ?? 0;
    return place === 0 ? undefined : Math.round(gapAt(place) / 1000);
  }

  /** Restores the result of {@link get} from before a restart. `counts`: the device is not revoked. */
  set(slot: number, gapS: number, counts: boolean): void {
    this.#move(slot, placeOf(gapS * 1000), counts);
  }

  saw(slot: number, gapMs: number, counts: boolean): void {
    this.#move(slot, blended(this.#places[slot] ?? 0, gapMs), counts);
  }

  /** Sets whether the device of this slot counts. */
  count(slot: number, by: 1 | -1): void {
    const place = this.#places[slot] ?? 0;
    if (place > 0) this.#tally[place] = (this.#tally[place] ?? 0) + by;
  }

  /** For a slot that does not count: its next device begins anew. */
  clear(slot: number): void {
    this.#places[slot] = 0;
  }

  all(): CheckInGaps {
    return gapsOf(this.#tally);
  }

  reserve(capacity: number): void {
    const places = new Uint8Array(capacity);
    places.set(this.#places);
    this.#places = places;
  }

  #move(slot: number, place: number, counts: boolean): void {
    if (counts) this.count(slot, -1);
    this.#places[slot] = place;
    if (counts) this.count(slot, 1);
  }
}
