/**
 * Watches a database on the network and reports when it cannot be reached. SQLite is a local file and needs no watch.
 */
import { Fault } from '../domain/fault.ts';
import type { AdminStore } from '../ports/index.ts';
import { type DatabaseWatch, watchDatabase } from '../watch/database.ts';
import type { Foundation } from './foundation.ts';

export const databaseOf = ({
  settings,
  runtime,
  store,
}: Pick<Foundation, 'settings' | 'runtime' | 'store'>): DatabaseWatch | undefined =>
  settings.OTA_DATABASE === undefined
    ? undefined
    : watchDatabase({
        check: store.checkDatabase,
        monotonicMs: runtime.monotonicMs,
        wallMs: runtime.wallMs,
        staleMs: settings.OTA_STALE_MAX,
        observe: runtime.observer.observe,
      });

/** Admits nobody while the list of tokens is too old, because a token may have been revoked since. */
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
