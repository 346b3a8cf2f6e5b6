/** A real store on a temporary folder, closed and removed afterwards. */
import { openStore, type Store, type StoreOptions } from '../../controller/store/store.ts';
import { withFolder } from './folder.ts';
import { NOW_MS } from './state.ts';

/** Time stands at NOW_MS unless `nowMs` says otherwise. */
export const withStore = <T>(
  use: (store: Store, folder: string) => Promise<T>,
  options: Partial<StoreOptions> = {},
): Promise<T> =>
  withFolder(async temporary => {
    const folder = options.folder ?? temporary;
    const store = await openStore({ nowMs: () => NOW_MS, ...options, folder });
    try {
      return await use(store, folder);
    } finally {
      await store.close();
    }
  });
