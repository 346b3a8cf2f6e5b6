/** Counts what a verdict costs, so that a limit on cost does not depend on the speed of the machine. */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import zlib from 'node:zlib';

/** The expensive or repeatable steps of reading an APK. */
export interface Work {
  /** Numbers read from buffers, and buffers cut from buffers. */
  fields: number;
  /** Bytes decoded to text. */
  textBytes: number;
  /** Signatures checked. */
  signatures: number;
  certificates: number;
  /** The largest number of bytes that decompression was allowed to produce. */
  inflatedBytes: number;
}

let current: { spent: Work; limits: Work } | undefined;

/**
 * Runs `work` and returns its result and its cost. A step beyond the limit throws at once, so that a test of
 * an endless loop ends; code that catches that error is still caught at the end.
 */
export async function withLimits<T>(
  limits: Work,
  work: () => T | Promise<T>,
): Promise<{ result: T; spent: Work }> {
  const spent: Work = { fields: 0, textBytes: 0, signatures: 0, certificates: 0, inflatedBytes: 0 };
  const outer = current;
  current = { spent, limits };
  try {
    const result = await work();
    for (const kind of Object.keys(spent) as (keyof Work)[]) spend(kind, 0);
    return { result, spent };
  } finally {
    current = outer;
  }
}

function spend(kind: keyof Work, amount: number): void {
  if (current === undefined) return;
  current.spent[kind] += amount;
  if (current.spent[kind] > current.limits[kind])
    throw new Error(`work limit: ${current.spent[kind]} ${kind}, and ${current.limits[kind]} are allowed`);
}

type Method = (...args: unknown[]) => unknown;

function count(
  target: object,
  name: string,
  kind: keyof Work,
  amount: (self: unknown, args: unknown[]) => number,
) {
  const methods = target as Record<string, Method>;
  const original = methods[name];
  if (original === undefined) throw new Error(`there is no method ${name} to count`);
  methods[name] = function counted(this: unknown, ...args: unknown[]) {
    spend(kind, amount(this, args));
    return original.apply(this, args);
  };
}

const once = (): number => 1;
for (const name of ['readUInt8', 'readUInt16LE', 'readUInt32LE', 'readInt32LE', 'subarray'])
  count(Buffer.prototype, name, 'fields', once);
count(Buffer.prototype, 'toString', 'textBytes', (self, [, from = 0, to]) => {
  const end = typeof to === 'number' ? to : (self as Buffer).length;
  return end - (from as number);
});
count(crypto, 'verify', 'signatures', once);
count(zlib, 'inflateRawSync', 'inflatedBytes', (_self, [, options]) => {
  const limit = (options as { maxOutputLength?: number } | undefined)?.maxOutputLength;
  return limit ?? Number.POSITIVE_INFINITY;
});
const Certificate = crypto.X509Certificate;
crypto.X509Certificate = class extends Certificate {
  constructor(bytes: Buffer) {
    spend('certificates', 1);
    super(bytes);
  }
};
// The named exports that the code imports are updated to the counting versions.
syncBuiltinESMExports();
