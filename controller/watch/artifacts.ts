/**
 * Checks stored APKs, so that a lost or damaged one is not offered (SPEC §7). Sizes are compared often. Contents are read
 * slowly, one APK at a time, because a disk fault can change them without changing the file's size or time.
 */
import type { Observe } from '../domain/event.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Artifacts, KeyValueStore } from '../ports/index.ts';

/** Stores the APK that was read last, so that the round continues after a restart. */
const KEY = 'artifacts.read';

interface ArtifactWatchOptions {
  readonly artifacts: Pick<Artifacts, 'list' | 'check'>;
  readonly values: Pick<KeyValueStore, 'get' | 'set'>;
  /** Discards the earlier result for the contents of an APK. */
  readonly distrust: (sha256: Sha256) => void;
  /** Compares the stored APKs with the builds in use and publishes a snapshot when one was lost or came back. */
  readonly recheck: () => Promise<void>;
  readonly observe: Observe;
}

export interface ArtifactWatch {
  /** Compares sizes; reads only what changed. */
  look(): Promise<void>;
  /** Reads the next stored APK of the round. */
  readNext(): Promise<void>;
  /** Reads this APK now, because devices report that it is wrong. */
  read(sha256: Sha256): Promise<void>;
}

export function watchArtifacts(options: ArtifactWatchOptions): ArtifactWatch {
  const { artifacts, values, distrust, recheck, observe } = options;

  async function readNext(): Promise<void> {
    const names = (await artifacts.list()).map(({ sha256 }) => sha256);
    const last = (await values.get(KEY)) ?? '';
    const next = names.find(sha256 => sha256 > last) ?? names[0];
    if (next === undefined) return;
    // Stored before the read: an APK that cannot be read must not hold up the others.
    await values.set(KEY, next);
    await read(next);
  }

  async function read(sha256: Sha256): Promise<void> {
    if ((await artifacts.check(sha256)) !== 'damaged') return;
    observe({ type: 'ota.artifact.damaged', sha256 });
    distrust(sha256);
    await recheck();
  }

  return { look: recheck, readNext, read };
}
