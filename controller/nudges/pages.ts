/** Selects the next devices of a campaign: deferred devices that are due, otherwise the next devices in id order. */
import type { DeviceStore, ScannedDevice } from '../ports/index.ts';
import type { Course } from './course.ts';

const PAGE = 500;

/** `again` is true for devices that were deferred before. */
export interface Page {
  readonly devices: readonly ScannedDevice[];
  readonly again: boolean;
}

export class Pages {
  readonly #devices: Pick<DeviceStore, 'scan'>;
  readonly #course: Course;
  readonly #wallMs: () => number;
  #lookedAtAll = false;

  constructor(devices: Pick<DeviceStore, 'scan'>, course: Course, wallMs: () => number) {
    this.#devices = devices;
    this.#course = course;
    this.#wallMs = wallMs;
  }

  /** `wait` means: wait until {@link Course.waitUntilMs}. */
  async next(): Promise<Page | 'wait' | 'end'> {
    const { away, isHeld } = this.#course;
    if (isHeld) return 'wait';
    const due = away.due(this.#wallMs(), PAGE);
    if (due.length > 0) {
      const devices = await this.#devices.scan({ ids: due, limit: PAGE, withPushToken: true });
      const found = new Set(devices.map(d => d.deviceId));
      // Drops devices that were erased or no longer have a push token.
      for (const id of due) if (!found.has(id)) away.delete(id);
      return { devices, again: true };
    }
    // At most one page of devices may wait. This keeps the cursor small and makes an outage visible.
    if (away.size >= PAGE) return 'wait';
    if (!this.#lookedAtAll) {
      const { after } = this.#course;
      const devices = await this.#devices.scan({
        ...(after === '' ? {} : { after }),
        limit: PAGE,
        withPushToken: true,
      });
      if (devices.length > 0) return { devices, again: false };
      this.#lookedAtAll = true;
    }
    return away.size > 0 ? 'wait' : 'end';
  }
}
