/**
 * What 0.1 left behind in test/fixtures/installation-0.1/: the data folder of one installation at two moments, and the
 * facts it must still hold after every later migration. Each test gets a copy.
 */
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Controller, startController } from '../../controller/compose/controller.ts';
import type { OldClock } from '../../controller/domain/ramp/old-clock.ts';
import { makeObserver } from '../../controller/observe/observe.ts';
import type { AdoptionSample, OutcomeCounts, PushMessage } from '../../controller/ports/index.ts';
import { readSettings } from '../../controller/settings/read.ts';
import { withFolder } from './folder.ts';
import { gitEnvironment } from './repository.ts';

/**
 * `ramp`: 50 %, in the middle of a campaign, the source's head rejected, GitHub away.
 * `suspended`: three hours later, under a suspend of which a part is counted already.
 */
export const MOMENTS = ['ramp', 'suspended'] as const;
export type Moment = (typeof MOMENTS)[number];

/** A device that tells of one way to have a token; `accepted` and `refused` are tokens as the device holds them, oldest first. */
interface TokenFacts {
  readonly deviceId: string;
  /** 0: the device was erased. */
  readonly generation: number;
  readonly accepted: readonly string[];
  readonly refused?: readonly string[];
}

/** facts.json, as it was written beside the database. Times are Unix ms; what was null or absent is left out. */
export interface Facts {
  readonly stoppedAtMs: number;
  readonly applied: {
    readonly revision: string;
    readonly treeHash: string;
    readonly appliedAtMs: number;
    readonly current: string;
    readonly lastSafe: string;
    readonly builds: readonly string[];
    readonly formerBuilds: readonly string[];
  };
  readonly attempted: { readonly revision: string; readonly codes: readonly string[] };
  readonly ramp: {
    readonly clock: OldClock;
    readonly percent: number;
    readonly suspendedUntilMs?: number;
    /** When the step after this one opens. */
    readonly nextMs: number;
  };
  readonly devices: readonly {
    readonly deviceId: string;
    readonly tags: readonly string[];
    readonly generation: number;
    readonly previousUntilMs?: number;
    readonly enrolledAtMs: number;
    readonly revokedAtMs?: number;
    readonly tokenSha256?: string;
    readonly pushToken?: string;
    readonly lastSeenMs?: number;
    readonly versionCode?: number;
    readonly sdk?: number;
  }[];
  readonly tokens: Readonly<
    Record<
      | 'plain'
      | 'renewing'
      | 'rotated'
      | 'imported'
      | 'importedRenewing'
      | 'importedRenewed'
      | 'revoked'
      | 'erased'
      | 'returned',
      TokenFacts
    >
  >;
  /** Only in `ramp`. */
  readonly campaign?: {
    readonly key: string;
    readonly cursor: { readonly after: string; readonly sent: number; readonly away: readonly unknown[] };
    /** Devices that were nudged before, and those that were not. */
    readonly sent: readonly string[];
    readonly unreached: readonly string[];
  };
  readonly outbox: readonly {
    readonly id: number;
    readonly topic: string;
    readonly key: string;
    readonly notBeforeMs: number;
    readonly attempts: number;
    readonly createdAtMs: number;
    readonly lastCode?: string;
    readonly gaveUpAtMs?: number;
  }[];
  /** Of b42, by attempts: 0.1 counted no devices. */
  readonly outcomes: Omit<OutcomeCounts, 'reasons'> & {
    readonly reasons: readonly Omit<OutcomeCounts['reasons'][number], 'devices'>[];
  };
  readonly downloads: { readonly downloads: number; readonly bytes: number; readonly fails: number };
  readonly adoption: readonly AdoptionSample[];
  readonly admins: readonly {
    readonly name: string;
    readonly scopes: readonly string[];
    readonly expiresAtMs: number;
    readonly revokedAtMs?: number;
    readonly tokenSha256: string;
  }[];
  readonly adminToken: string;
  readonly revokedAdminToken: string;
  /** `actor action subject`, newest first. */
  readonly audit: readonly string[];
  /** The first 16 digits of the value's SHA-256. */
  readonly keyValues: readonly (readonly [key: string, sha256: string, expiresAtMs: number | null])[];
  /** How many rows each table had. */
  readonly rows: Readonly<Record<string, number>>;
}

export interface Installation {
  readonly facts: Facts;
  /** A data folder. */
  readonly folder: string;
  /** The applied desired state as files; a copy too. */
  readonly releases: string;
}

const FIXTURE = path.resolve(import.meta.dirname, '../fixtures/installation-0.1');

export const withInstallation = <T>(
  moment: Moment,
  use: (installation: Installation) => Promise<T>,
): Promise<T> =>
  withFolder(async temporary => {
    const from = path.join(FIXTURE, moment);
    const folder = path.join(temporary, 'installation');
    const releases = path.join(temporary, 'releases');
    await mkdir(folder, { mode: 0o700 });
    for (const name of await readdir(path.join(FIXTURE, 'both')))
      await cp(path.join(FIXTURE, 'both', name), path.join(folder, name), { recursive: true });
    await cp(path.join(from, 'ota.db'), path.join(folder, 'ota.db'));
    await cp(path.join(from, 'releases'), releases, { recursive: true });
    const facts = JSON.parse(await readFile(path.join(from, 'facts.json'), 'utf8')) as Facts;
    return use({ facts, folder, releases });
  });

export interface Restarted {
  readonly controller: Controller;
  /** What the push service took, in order. */
  readonly nudges: readonly PushMessage[];
  readonly nowMs: () => number;
  /** Moves time and lets what is due happen. */
  pass(ms: number): Promise<void>;
}

/** The controller of today on that data folder; its clock stands where that of 0.1 stopped, and `laterMs` after it. */
export async function restarted<T>(
  { folder, facts }: Pick<Installation, 'folder'> & { readonly facts: Pick<Facts, 'stoppedAtMs'> },
  use: (restarted: Restarted) => Promise<T>,
  { source, laterMs = 0 }: { readonly source?: string; readonly laterMs?: number } = {},
): Promise<T> {
  let nowMs = facts.stoppedAtMs + laterMs;
  const nudges: PushMessage[] = [];
  const controller = await startController(
    readSettings({
      OTA_DATA: folder,
      OTA_PORT: '0',
      // Without a source of its own the repository is away, as it may be when a controller starts.
      OTA_SOURCE: source ?? pathToFileURL(path.join(folder, 'no-such-repository')).href,
      OTA_SOURCE_INTERVAL: '1h',
      OTA_CHECKS_PER_MINUTE: '1000',
    }),
    {
      environment: gitEnvironment(folder),
      observer: makeObserver({ level: 'silent', destination: { write: () => undefined } }),
      wallMs: () => nowMs,
      // Pacing waits for time that goes on.
      monotonicMs: () => performance.now() + nowMs,
      random: () => 0.5,
      pusher: {
        send: async messages => {
          nudges.push(...messages);
          return messages.map(() => ({ result: 'sent' }));
        },
      },
      version: 'test',
    },
  );
  try {
    return await use({
      controller,
      nudges,
      nowMs: () => nowMs,
      pass: async ms => {
        for (let leftMs = ms; leftMs > 0; leftMs -= 60_000) {
          nowMs += Math.min(leftMs, 60_000);
          await controller.look();
        }
        await controller.tick();
        await controller.outbox.drain();
      },
    });
  } finally {
    await controller.stop('end of test');
  }
}
