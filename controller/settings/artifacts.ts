/** Settings for the storage of APKs. */
import path from 'node:path';
import { flag, optional, type Parse, setting, text, url } from './spec.ts';

/** A bucket of an S3-compatible store with an optional folder in it, or a folder on disk. */
type ArtifactPlace =
  | { readonly kind: 'bucket'; readonly bucket: string; readonly prefix: string }
  | { readonly kind: 'folder'; readonly folder: string };

/** Bucket names have 3 to 63 letters, digits, dots and hyphens (Amazon S3, bucket naming rules). */
const artifactPlace: Parse<ArtifactPlace> = value => {
  if (path.isAbsolute(value.trim())) return { kind: 'folder', folder: path.normalize(value.trim()) };
  const [, bucket, prefix = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9._/-]{0,200}))?$/.exec(value.trim()) ?? [];
  if (bucket === undefined || prefix.split('/').includes('..')) return undefined;
  return { kind: 'bucket', bucket, prefix: prefix.replace(/^\/+|\/+$/g, '') };
};

export const ARTIFACT_SETTINGS = {
  OTA_ARTIFACTS: optional(
    artifactPlace,
    's3://bucket, s3://bucket/prefix or an absolute path',
    'Where APKs are stored: a bucket of an S3-compatible store (docs/object-store.md), or a folder that all controllers share. Credentials for a bucket come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a shared credentials file, or the role of the host. Default: the data folder.',
  ),
  OTA_ARTIFACTS_ENDPOINT: optional(
    url,
    'an http(s) URL without query',
    'With a bucket: the URL of the store, if it is not AWS.',
  ),
  OTA_ARTIFACTS_REGION: setting(text, 'us-east-1', 'a region', 'With a bucket: the region.'),
  OTA_ARTIFACTS_PATH_STYLE: setting(
    flag,
    false,
    'true or false',
    'With a bucket: put its name in the path of URLs instead of the host. Most stores other than AWS need it.',
  ),
  OTA_ARTIFACT_REDIRECT: setting(
    flag,
    false,
    'true or false',
    'With a bucket: agents that support it download APKs directly from the store, with URLs that are valid for 5 minutes (docs/object-store.md).',
  ),
};
