/** Repeatable random numbers: the same seed makes the same fleet on every machine. Not for secrets. */

export interface Random {
  /** In [0, 1). */
  next(): number;
  chance(p: number): boolean;
  between(from: number, to: number): number;
}

/** A 32-bit counter (Weyl sequence) under a mixing function; the period of 2³² is far beyond one simulated rollout. */
export function randomOf(seed: number): Random {
  let state = mix(seed >>> 0);
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix(state) / 4_294_967_296;
  };
  return { next, chance: p => next() < p, between: (from, to) => from + (to - from) * next() };
}

/** Every input bit reaches every output bit (the finaliser of MurmurHash3). */
function mix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
