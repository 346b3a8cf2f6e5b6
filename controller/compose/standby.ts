/** A controller that stands by: it opens the store once nobody leads any more. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Observe } from '../domain/event.ts';
import { Fault, faultCode } from '../domain/fault.ts';
import { leaveQueue, openStore, type Store, type StoreOptions } from '../store/store.ts';

/** Another leads, or the database is away: both may end by themselves. */
const WAITS: ReadonlySet<string> = new Set(['lease_held', 'store_unreachable', 'store_busy']);
const ASK_EVERY_MS = 1_000;

/** Like `openStore`; with `standby` it waits for its turn. Fault `start_given_up` when `giveUp` ends the wait. */
export async function openStoreInTurn(
  options: StoreOptions,
  observe: Observe,
  giveUp?: AbortSignal,
): Promise<Store> {
  let told: string | undefined;
  for (;;) {
    try {
      return await openStore(options);
    } catch (error) {
      const code = faultCode(error);
      if (options.standby !== true || !WAITS.has(code)) throw error;
      if (told !== code) observe({ type: 'ota.standby', code, message: (error as Fault).message });
      told = code;
    }
    await wait(ASK_EVERY_MS, undefined, { signal: giveUp }).catch(() => undefined); // told below
    if (giveUp?.aborted !== true) continue;
    await leaveQueue(options);
    throw new Fault('start_given_up', 'stopped while standing by', { retry: 'never' });
  }
}
