import { createCipheriv } from 'node:crypto';
import { u32 } from './bytes.ts';
import type { TestKey } from './keys.ts';
import {
  androidAttribute,
  buildBinaryXml,
  type ManifestAttribute,
  type ManifestElement,
} from './manifest.ts';
import { ATTRIBUTE_IDS, LAST_SDK, type LineageStep, type Pair, type SigningPlan, signZip } from './sign.ts';
import { buildZip, joinZip, type ZipFile, type ZipParts } from './zip.ts';

export interface ManifestOptions {
  package?: string;
  versionCode: number;
  versionName?: string;
  minSdk?: number;
  targetSdk?: number;
  debuggable?: boolean;
  testOnly?: boolean;
  extractNativeLibs?: boolean;
  /** On which element the split is required, or the types that are. */
  splitsRequired?: 'manifest' | 'application' | { types: string };
}

export interface ApkOptions extends ManifestOptions {
  key: TestKey;
  /** v2 and v3 unless set; v3.1 comes with `rotateTo`. */
  schemes?: readonly ('v2' | 'v3')[];
  /** Earlier keys, oldest first: v3 proves the rotation and v2 is signed with the oldest. */
  lineage?: readonly LineageStep[];
  /** From that SDK on (33 unless set) a v3.1 signature with this key counts, and `key` below it. */
  rotateTo?: { key: TestKey; minSdk?: number };
  /** Padded with an incompressible entry to about this size. */
  sizeBytes?: number;
  /** Further files to put in. */
  files?: readonly ZipFile[];
}

/** A signed APK that passes Android's checks. It contains no code. */
export function makeApk(options: ApkOptions): Buffer {
  return signZip(unsignedApk(options), soundPlan(options));
}

/** An unsigned APK of version 1 with further files. */
export function joinedApk(files: readonly ZipFile[]): Buffer {
  return joinZip(unsignedApk({ versionCode: 1, files }));
}

/** The same archive before signing, for tests that sign it in their own way. */
export function unsignedApk(
  options: ManifestOptions & { sizeBytes?: number; files?: readonly ZipFile[] },
): ZipParts {
  const files: ZipFile[] = [
    { name: 'AndroidManifest.xml', content: buildBinaryXml(manifestOf(options)) },
    ...(options.files ?? []),
  ];
  const padding = (options.sizeBytes ?? 0) - 8192;
  if (padding > 0) files.push({ name: 'assets/padding.bin', content: noise(padding), stored: true });
  return buildZip(files);
}

export function manifestOf(options: ManifestOptions): ManifestElement {
  const application: ManifestAttribute[] = [];
  const flag = (name: 'debuggable' | 'testOnly' | 'extractNativeLibs'): void => {
    const boolean = options[name];
    if (boolean !== undefined) application.push(androidAttribute(name, { boolean }));
  };
  flag('debuggable');
  flag('testOnly');
  flag('extractNativeLibs');
  const required = androidAttribute('isSplitRequired', { boolean: true });
  const splits = options.splitsRequired;
  if (splits === 'application') application.push(required);
  return {
    name: 'manifest',
    attributes: [
      androidAttribute('versionCode', { int: options.versionCode }),
      androidAttribute('versionName', { string: options.versionName ?? `${options.versionCode}.0.0` }),
      ...(splits === 'manifest' ? [required] : []),
      ...(typeof splits === 'object'
        ? [androidAttribute('requiredSplitTypes', { string: splits.types })]
        : []),
      { name: 'package', value: { string: options.package ?? 'com.nexmdm.agent' } },
    ],
    children: [
      {
        name: 'uses-sdk',
        attributes: [
          androidAttribute('minSdkVersion', { int: options.minSdk ?? 26 }),
          androidAttribute('targetSdkVersion', { int: options.targetSdk ?? 34 }),
        ],
      },
      { name: 'application', attributes: application },
    ],
  };
}

/** What apksigner would do for these options. */
export function soundPlan(options: ApkOptions): SigningPlan {
  const schemes = options.schemes ?? ['v2', 'v3'];
  const oldest = options.lineage?.[0]?.key ?? options.key;
  const rotationMinSdk = options.rotateTo?.minSdk ?? 33;
  const withV3 = schemes.includes('v3');
  const stripping: Pair[] = withV3 ? [{ id: ATTRIBUTE_IDS.strippingProtection, value: u32(3) }] : [];
  const rotation: Pair[] = options.rotateTo
    ? [{ id: ATTRIBUTE_IDS.rotationMinSdk, value: u32(rotationMinSdk) }]
    : [];
  const lineage = options.lineage ?? [];
  return {
    ...(schemes.includes('v2') && { v2: [{ key: oldest, attributes: stripping }] }),
    ...(withV3 && {
      v3: [
        {
          key: options.key,
          minSdk: Math.max(options.minSdk ?? 26, 28),
          maxSdk: options.rotateTo ? rotationMinSdk - 1 : LAST_SDK,
          attributes: rotation,
          ...(lineage.length > 0 && { lineage }),
        },
      ],
    }),
    ...(options.rotateTo && {
      v31: [
        { key: options.rotateTo.key, minSdk: rotationMinSdk, lineage: [...lineage, { key: options.key }] },
      ],
    }),
  };
}

/** Bytes that do not compress, the same in every run. */
function noise(length: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16)).update(Buffer.alloc(length));
}
