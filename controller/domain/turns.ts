/** A queue for work that must not overlap: each piece begins when the one before it has ended. */

/** Runs `work` after all earlier work. Rejects with the work's own error; later work still runs. */
export type InTurn = <T>(work: () => T | PromiseLike<T>) => Promise<T>;

export function makeTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return work => {
    const mine = last.then(work);
    last = mine.catch(() => undefined); // only the caller of this piece sees the error
    return mine;
  };
}
