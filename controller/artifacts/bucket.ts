/**
 * A bucket of an S3-compatible store: each APK is one object under its hash. Only this file loads the client, so that a
 * controller with APKs on disk does without it. The client finds its own credentials: in the environment, a shared
 * file, or the role of the host.
 */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { Fault } from '../domain/fault.ts';
import { isSha256, type Sha256 } from '../domain/ids.ts';

export interface BucketPlace {
  readonly bucket: string;
  /** Has no slash at its ends; may be empty. */
  readonly prefix: string;
  /** For stores other than AWS, such as `https://s3.example.com`. */
  readonly endpoint?: string | undefined;
  readonly region: string;
  /** `https://host/bucket` instead of `https://bucket.host`. */
  readonly pathStyle: boolean;
}

export interface StoredObject {
  readonly sizeBytes: number;
  /** Unix ms, by the store's clock. */
  readonly storedAtMs: number;
  /** Changes when the object is replaced. */
  readonly tag: string;
}

/** Faults `object_store_unreachable`, `object_store_refused`, `object_store_failed`. */
export interface Bucket {
  head(sha256: Sha256): Promise<StoredObject | undefined>;
  /** Sorted by name. */
  list(): Promise<(StoredObject & { readonly sha256: Sha256 })[]>;
  /** One request. The store gets the hash and refuses other bytes; the object appears only when it is complete. */
  put(sha256: Sha256, file: string, sizeBytes: number): Promise<void>;
  /** Streams the bytes. Undefined if the object does not exist. */
  read(sha256: Sha256): Promise<AsyncIterable<Buffer> | undefined>;
  delete(sha256: Sha256): Promise<void>;
  /** A URL by which anybody may read the object for `seconds`. Makes no request to the store. */
  link(sha256: Sha256, seconds: number): Promise<string>;
  /** The installation that owns these APKs; undefined in a new bucket. */
  owner(): Promise<string | undefined>;
  claim(owner: string): Promise<void>;
  close(): void;
}

const CONNECT_MS = 5_000;
/** A request is given up when no byte arrives for this long. */
const SILENT_MS = 60_000;
const ATTEMPTS = 3;
/** Downloads wait for this answer. When it is late, they serve the copy without it. */
const HEAD_MS = 3_000;
const APK_TYPE = 'application/vnd.android.package-archive';
/** The object beside the APKs that holds the id of their installation. */
const OWNER = 'installation';

export async function openBucket(place: BucketPlace): Promise<Bucket> {
  const s3 = await import('@aws-sdk/client-s3');
  const client = new s3.S3Client({
    region: place.region,
    forcePathStyle: place.pathStyle,
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: SILENT_MS },
    // Not all stores implement trailers with checksums, and the hash in the header says more.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(place.endpoint !== undefined && { endpoint: place.endpoint }),
  });
  return bucketOf(s3, client, place);
}

type S3 = typeof import('@aws-sdk/client-s3');

function bucketOf(s3: S3, client: S3Client, place: BucketPlace): Bucket {
  const folder = place.prefix === '' ? '' : `${place.prefix}/`;
  const at = (name: string) => ({ Bucket: place.bucket, Key: folder + name });
  const apk = (sha256: Sha256) => at(`${sha256}.apk`);

  async function asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toFault(error, place);
    }
  }
  /** Undefined if the object does not exist. */
  const found = <T>(work: () => Promise<T>): Promise<T | undefined> =>
    asked(() =>
      work().catch((error: unknown) => {
        if (isAbsent(error)) return undefined;
        throw error;
      }),
    );

  async function* objects(): AsyncGenerator<StoredObject & { readonly sha256: Sha256 }> {
    let token: string | undefined;
    do {
      const page = await asked(() =>
        client.send(
          new s3.ListObjectsV2Command({
            Bucket: place.bucket,
            Prefix: folder,
            ...(token !== undefined && { ContinuationToken: token }),
          }),
        ),
      );
      for (const { Key = '', Size, LastModified, ETag } of page.Contents ?? []) {
        const [, sha256 = ''] = /^([0-9a-f]{64})\.apk$/.exec(Key.slice(folder.length)) ?? [];
        if (isSha256(sha256)) yield { sha256, ...storedOf(Size, LastModified, ETag) };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  const textOf = async (name: string): Promise<string | undefined> => {
    const answer = await found(() => client.send(new s3.GetObjectCommand(at(name))));
    return answer?.Body === undefined ? undefined : asked(async () => answer.Body?.transformToString());
  };

  return {
    head: async sha256 => {
      const abortSignal = AbortSignal.timeout(HEAD_MS);
      const answer = await found(() => client.send(new s3.HeadObjectCommand(apk(sha256)), { abortSignal }));
      return answer && storedOf(answer.ContentLength, answer.LastModified, answer.ETag);
    },
    list: async () => {
      const all = [];
      for await (const object of objects()) all.push(object);
      return all.sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
    },
    put: (sha256, file, sizeBytes) =>
      asked(async () => {
        const command = new s3.PutObjectCommand({
          ...apk(sha256),
          Body: createReadStream(file),
          ContentLength: sizeBytes,
          ContentType: APK_TYPE,
        });
        // The signature covers the hash that is declared here, so the store must compare it.
        command.middlewareStack.add(
          next => args => {
            (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = sha256;
            return next(args);
          },
          { step: 'build', name: 'declareHash' },
        );
        await client.send(command);
      }),
    read: async sha256 => {
      const answer = await found(() => client.send(new s3.GetObjectCommand(apk(sha256))));
      const { Body: body } = answer ?? {};
      return body instanceof Readable ? pieces(body, place) : undefined;
    },
    delete: async sha256 => {
      await asked(() => client.send(new s3.DeleteObjectCommand(apk(sha256))));
    },
    link: (sha256, expiresIn) =>
      asked(async () => {
        const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
        return getSignedUrl(client, new s3.GetObjectCommand(apk(sha256)), { expiresIn });
      }),
    owner: () => textOf(OWNER),
    claim: async owner => {
      await asked(() => client.send(new s3.PutObjectCommand({ ...at(OWNER), Body: owner })));
    },
    close: () => client.destroy(),
  };
}

async function* pieces(body: Readable, place: BucketPlace): AsyncGenerator<Buffer> {
  try {
    for await (const piece of body) yield piece as Buffer;
  } catch (error) {
    throw toFault(error, place);
  } finally {
    body.destroy();
  }
}

const storedOf = (sizeBytes = 0, storedAt = new Date(0), tag = ''): StoredObject => ({
  sizeBytes,
  storedAtMs: storedAt.getTime(),
  tag,
});

interface Refusal {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const isAbsent = (error: unknown): boolean => {
  const { name, $metadata } = error as Refusal;
  return name === 'NoSuchKey' || (name === 'NotFound' && $metadata?.httpStatusCode === 404);
};

const CREDENTIALS =
  'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a shared credentials file, or the role of this host';

/** The client's own error texts may quote what was sent, so only the error's name is reported. */
function toFault(error: unknown, { bucket, region }: BucketPlace): unknown {
  const { name = '', code = name, $metadata } = error as Refusal;
  const status = $metadata?.httpStatusCode;
  const fault = (kind: string, message: string) =>
    new Fault(kind, message, { retry: 'backoff', cause: error });
  if (name === 'CredentialsProviderError')
    return fault(
      'object_store_refused',
      `no credentials for the object store were found: set ${CREDENTIALS}`,
    );
  if (name === 'NoSuchBucket' || (status === 404 && name === 'NotFound'))
    return fault(
      'object_store_refused',
      `the object store has no bucket ${bucket}: make it, or correct OTA_ARTIFACTS`,
    );
  if (name === 'AuthorizationHeaderMalformed' || status === 301)
    return fault(
      'object_store_refused',
      `the bucket ${bucket} is not in region ${region}: correct OTA_ARTIFACTS_REGION`,
    );
  if (status === 401 || status === 403)
    return fault(
      'object_store_refused',
      `the object store refuses our credentials for bucket ${bucket} (${name}): look at ${CREDENTIALS}, and at what they may do`,
    );
  if (name === 'BadDigest' || name === 'XAmzContentSHA256Mismatch')
    return fault('object_store_failed', 'the object store received other bytes than were sent');
  if (status !== undefined && status >= 500)
    return fault('object_store_unreachable', `the object store answers ${status} (${name})`);
  if (status !== undefined)
    return fault('object_store_failed', `the object store answered ${status} (${name})`);
  const why = name === 'AbortError' || name === 'TimeoutError' ? 'no answer in time' : code;
  return fault('object_store_unreachable', `the object store cannot be reached (${why})`);
}
