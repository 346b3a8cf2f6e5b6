/** Settings of the place where APKs are stored. */
import { flag, optional, type Parse, setting, text, url } from './spec.ts';

/** A bucket of an S3-compatible store, and a folder in it; the folder may be empty. */
export interface BucketName {
  readonly bucket: string;
  readonly prefix: string;
}

/** Names of buckets are 3 to 63 letters, digits, dots and hyphens (Amazon S3, bucket naming rules). */
const bucketName: Parse<BucketName> = value => {
  const [, bucket, prefix = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9._/-]{0,200}))?$/.exec(value.trim()) ?? [];
  if (bucket === undefined || prefix.split('/').includes('..')) return undefined;
  return { bucket, prefix: prefix.replace(/^\/+|\/+$/g, '') };
};

export const ARTIFACT_SETTINGS = {
  OTA_ARTIFACTS: optional(
    bucketName,
    's3://bucket or s3://bucket/prefix',
    'A bucket of an S3-compatible store for the APKs (docs/object-store.md). Its credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a shared credentials file, or the role of the host. Default: the data folder.',
  ),
  OTA_ARTIFACTS_ENDPOINT: optional(
    url,
    'an http(s) URL without query',
    'With OTA_ARTIFACTS: where the store is reached, when it is not AWS.',
  ),
  OTA_ARTIFACTS_REGION: setting(
    text,
    'us-east-1',
    'a region',
    'With OTA_ARTIFACTS: the region of the bucket.',
  ),
  OTA_ARTIFACTS_PATH_STYLE: setting(
    flag,
    false,
    'true or false',
    'With OTA_ARTIFACTS: name the bucket in the path instead of the host. Most stores other than AWS need it.',
  ),
};
