/** A real store on a temporary folder, closed and removed afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore, type Store, type StoreOptions } from '../../controller/store/store.ts';
import { NOW_MS } from './state.ts';

export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-store-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

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
