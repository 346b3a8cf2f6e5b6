/**
 * Memory for bodies that are read before their sender is known. When it is full, the address that uses the most loses
 * its oldest body, so that a slow stranger never keeps out a quick sender.
 */
import { Refusal } from './problem.ts';

interface BodyPlace {
  /** Aborted with a Refusal when the place is given to another body. */
  readonly signal: AbortSignal;
  leave(): void;
}

interface BodyShare {
  /** Never refuses. `bytes` is the largest size that the body may reach. */
  enter(address: string, bytes: number): BodyPlace;
}

interface Held {
  readonly bytes: number;
  readonly end: AbortController;
}

export function makeBodyShare(options: { maxBytes: number; perAddress: number }): BodyShare {
  const { maxBytes, perAddress } = options;
  /** The bodies of each address, oldest first. */
  const byAddress = new Map<string, Held[]>();
  let total = 0;

  function remove(address: string, held: Held): void {
    const all = byAddress.get(address) ?? [];
    const left = all.filter(one => one !== held);
    if (left.length === all.length) return;
    total -= held.bytes;
    if (left.length === 0) byAddress.delete(address);
    else byAddress.set(address, left);
  }

  function giveWay(address: string): void {
    const [oldest] = byAddress.get(address) ?? [];
    if (oldest === undefined) return;
    remove(address, oldest);
    oldest.end.abort(
      new Refusal('busy', 'too many unfinished webhook deliveries: send the body at once', {
        retryAfterS: 10,
      }),
    );
  }

  const largest = (): string | undefined => {
    let found: string | undefined;
    for (const [address, held] of byAddress)
      if (held.length > (found === undefined ? 0 : (byAddress.get(found)?.length ?? 0))) found = address;
    return found;
  };

  return {
    enter: (address, bytes) => {
      if ((byAddress.get(address)?.length ?? 0) >= perAddress) giveWay(address);
      for (let from = largest(); total + bytes > maxBytes && from !== undefined; from = largest())
        giveWay(from);
      const held = { bytes, end: new AbortController() };
      total += bytes;
      byAddress.set(address, [...(byAddress.get(address) ?? []), held]);
      return { signal: held.end.signal, leave: () => remove(address, held) };
    },
  };
}
