/** Checks that a database belongs to this controller before it is taken over. `ota adopt` changes the answer. */
import type { Observe } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';
import {
  type Difference,
  fingerprintOf,
  type Identity,
  keyMarks,
  placeOfUrl,
  recognise,
} from '../domain/installation.ts';
import type { InstallationStore } from '../ports/index.ts';
import { readSettings } from '../settings/read.ts';
import type { Settings } from '../settings/settings.ts';
import { isRepository } from '../source/choice.ts';
import { openSource } from '../store/copy/place.ts';
import { makeDb } from '../store/db.ts';
import { makeInstallationStore } from '../store/installation.ts';
import type { Standing } from '../store/store.ts';
import { type Keys, keysOf } from './edges.ts';

const identityOf = (settings: Settings, keys: Keys): Identity => ({
  tokenKeys: keyMarks(keys.tokenKeys),
  nudgeKey: fingerprintOf('nudge', keys.nudgeMaster),
  source: isRepository(settings.OTA_SOURCE)
    ? {
        url: placeOfUrl(settings.OTA_SOURCE),
        branch: settings.OTA_SOURCE_BRANCH,
        path: settings.OTA_SOURCE_PATH,
      }
    : undefined,
  publicUrl: settings.OTA_PUBLIC_URL,
});

/**
 * Reads the keys and checks that the database belongs to this installation. If devices exist, a missing key is never
 * replaced, because the controller would then refuse the whole fleet.
 */
export function guardInstallation(settings: Settings, observe: Observe) {
  let keys: Keys | undefined;
  return {
    recognise: async ({ enrolled, installation }: Standing): Promise<void> => {
      const elsewhere = settings.OTA_DATABASE === undefined ? undefined : 'database_elsewhere';
      keys = keysOf(settings, enrolled ? 'devices_depend' : elsewhere, observe);
      await recogniseHere(installation, identityOf(settings, keys));
    },
    keys: (): Keys => {
      if (keys === undefined)
        throw new Error('assertion: the store was opened without checking the installation');
      return keys;
    },
  };
}

/** Fault `installation_differs`: names each setting, its value in the database, and the two ways to go on. */
async function recogniseHere(installation: InstallationStore, identity: Identity): Promise<void> {
  const differing = await installation.settle(known => recognise(known, identity));
  if (differing.length === 0) return;
  const lines = differing.map(d => `  ${d.setting}: the database says ${d.known}; here it is ${d.here}`);
  throw new Fault(
    'installation_differs',
    `this database belongs to a controller with other settings:\n${lines.join('\n')}\nCorrect the settings or use another database. If the change is intended, run with the same environment: ota adopt --reason "…"`,
    { retry: 'never' },
  );
}

export interface Adoptions {
  /** Returns the differences. With a reason, updates the database to match and writes an audit row. */
  adopt(reason: string | undefined): Promise<readonly Difference[]>;
}

/**
 * `ota adopt`, run on the controller's host with its environment. Faults of the settings, the keys and the database;
 * `schema_older` if no controller of this version has started yet.
 */
export const adoptionsOf = (
  environment: Readonly<Record<string, string | undefined>>,
  nowMs: () => number,
): Adoptions => ({
  adopt: async reason => {
    const settings = readSettings(environment);
    // Missing keys are not created here: no device would know them.
    const identity = identityOf(
      settings,
      keysOf(settings, 'devices_depend', () => undefined),
    );
    const look = (known: ReadonlyMap<string, string>) => recognise(known, identity);
    const folder = settings.OTA_DATA;
    const url = settings.OTA_DATABASE?.reveal();
    const { engine } = await openSource(
      url === undefined
        ? { kind: 'folder', name: folder, folder }
        : { kind: 'postgres', name: 'the database of OTA_DATABASE', database: { url, connections: 1 } },
    );
    const db = makeDb(engine);
    try {
      const installation = makeInstallationStore(db);
      if (reason === undefined) return await installation.differing(look);
      return await installation.adopt(look, differing => ({
        atMs: nowMs(),
        actor: 'ota adopt',
        action: 'adopt',
        subject: differing.map(d => d.setting).join(' '),
        detail: { reason, changes: differing.map(({ setting, known, here }) => ({ setting, known, here })) },
      }));
    } finally {
      await db.close();
    }
  },
});
