/** How the parts are told that a database in the network is away. With SQLite nobody asks: the file is this machine's. */
import { Fault } from '../domain/fault.ts';
import type { AdminStore } from '../ports/index.ts';
import { type DatabaseWatch, watchDatabase } from '../watch/database.ts';
import type { Ground } from './ground.ts';

export const databaseOf = ({
  settings,
  around,
  store,
}: Pick<Ground, 'settings' | 'around' | 'store'>): DatabaseWatch | undefined =>
  settings.OTA_DATABASE === undefined
    ? undefined
    : watchDatabase({
        reach: store.reach,
        monotonicMs: around.monotonicMs,
        staleMs: settings.OTA_STALE_MAX,
        observe: around.observer.observe,
      });

/** A token that was revoked meanwhile must not work for ever: nobody is let in by a list that is too old. */
export const guardAdmins = (
  admins: AdminStore,
  database: Pick<DatabaseWatch, 'stale'> | undefined,
): AdminStore =>
  database === undefined
    ? admins
    : {
        ...admins,
        find: tokenSha256 => {
          if (database.stale)
            throw new Fault('store_unreachable', 'the database has been away for too long to trust a token', {
              retry: 'backoff',
            });
          return admins.find(tokenSha256);
        },
      };
