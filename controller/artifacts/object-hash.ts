/** What an object of a bucket really holds. */
import { createHash } from 'node:crypto';
import type { Sha256 } from '../domain/ids.ts';
import type { Bucket } from './bucket.ts';

/** Undefined if the object does not exist. */
export async function hashIn(bucket: Bucket, sha256: Sha256): Promise<Sha256 | undefined> {
  const body = await bucket.read(sha256);
  if (body === undefined) return undefined;
  const hash = createHash('sha256');
  for await (const piece of body) hash.update(piece);
  return hash.digest('hex');
}
