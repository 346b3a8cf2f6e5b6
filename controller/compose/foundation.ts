/** What every part of the composition uses: settings, runtime, clock, store, background jobs and cleanup. */
import { randomUUID } from 'node:crypto';
import type { GitHubOptions } from '../github/client.ts';
import type { Observer } from '../observe/observe.ts';
import type { Pusher } from '../ports/index.ts';
import type { Settings } from '../settings/settings.ts';
import type { RunGit } from '../source/git/process.ts';
import type { Store, StoreOptions } from '../store/store.ts';
import type { GuardedClock } from '../watch/clock.ts';
import type { Background } from './background.ts';

export type GitHubPace = Pick<GitHubOptions, 'timeoutMs' | 'contentWriteIntervalMs' | 'readRetryMs'>;

/** Dependencies that tests can replace; `main.ts` passes the real ones. */
export interface Runtime {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly observer: Observer;
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
  readonly random: () => number;
  /** Replaces Firebase in tests. */
  readonly pusher?: Pusher;
  readonly githubPace?: GitHubPace;
  /** Starts Git. Default: a small process of this controller's own. */
  readonly runGit?: RunGit;
  readonly version: string;
  /** The name of this machine in messages to people. Default: `localhost`. */
  readonly host?: string;
  /** Called once when this process must end: `lease_lost`, `installation_moved`, `fell_behind` or `takeover_failed`. */
  readonly overtaken?: (code: string) => void;
}

/** What each part of the composition is given. */
export interface Foundation {
  readonly settings: Settings;
  readonly runtime: Runtime;
  readonly clock: GuardedClock;
  /** Time that decisions trust, Unix ms. */
  readonly nowMs: () => number;
  readonly store: Store;
  readonly background: Background;
  readonly cleanup: Cleanup;
}

/** What must be closed at the end, in reverse order of opening. */
interface Cleanup {
  add(close: () => unknown): void;
  /** Closes everything, even if some of it fails; rejects with the first failure. Later calls do nothing. */
  run(): Promise<void>;
}

export function makeCleanup(): Cleanup {
  const closers: (() => unknown)[] = [];
  return {
    add: close => {
      closers.push(close);
    },
    run: async () => {
      const failed: unknown[] = [];
      // One at a time, because a takeover may add more while we stop.
      for (let close = closers.pop(); close !== undefined; close = closers.pop())
        try {
          await close();
        } catch (error) {
          failed.push(error);
        }
      if (failed.length > 0) throw failed[0];
    },
  };
}

/** The options of the store, from the settings. They also measure how long transactions take. */
export const storeOptions = (
  settings: Pick<Settings, 'OTA_DATA' | 'OTA_DATABASE' | 'OTA_DATABASE_CONNECTIONS' | 'OTA_LEASE'>,
  {
    monotonicMs,
    observer,
    overtaken,
    version,
    wallMs,
    host = 'localhost',
  }: Pick<Runtime, 'monotonicMs' | 'observer' | 'overtaken' | 'version' | 'host' | 'wallMs'>,
  nowMs: () => number,
  background: Pick<Background, 'failed'>,
): StoreOptions => ({
  folder: settings.OTA_DATA,
  database:
    settings.OTA_DATABASE === undefined
      ? undefined
      : { url: settings.OTA_DATABASE.reveal(), connections: settings.OTA_DATABASE_CONNECTIONS },
  nowMs,
  onFault: background.failed,
  onOvertaken: overtaken,
  leaseMs: settings.OTA_LEASE,
  self: { id: randomUUID(), host, version, wallMs },
  watch: {
    monotonicMs,
    wrote: (ms, jobs) => observer.observe({ type: 'ota.store.write', ms, jobs }),
  },
});

/** The time that decides which effects are due. A held clock stops exposure, but not effects in the outbox. */
export const dueMsOf =
  ({ nowMs, runtime }: Pick<Foundation, 'nowMs' | 'runtime'>): (() => number) =>
  () =>
    Math.max(nowMs(), runtime.wallMs());
