import {
  readBinaryXml,
  TYPE_ATTRIBUTE,
  TYPE_DYNAMIC_REFERENCE,
  TYPE_FIRST_INT,
  TYPE_LAST_INT,
  TYPE_REFERENCE,
  type XmlAttribute,
  type XmlElement,
} from './binary-xml.ts';
import { Rejection } from './rejection.ts';

/** The facts in `AndroidManifest.xml` that a release needs. */
export interface ManifestFacts {
  package: string;
  versionCode: number;
  versionName: string;
  minSdk: number;
  targetSdk: number;
  debuggable: boolean;
}

/** What the manifest says about how the APK can be installed. */
export interface InstallFlags {
  testOnly: boolean;
  /** Android installs the APK only together with splits. */
  splitsRequired: boolean;
  /** If false, Android maps native libraries from the APK, so they must be uncompressed and aligned. */
  extractNativeLibs: boolean;
}

export interface Manifest {
  facts: ManifestFacts;
  flags: InstallFlags;
}

/** Ids of the framework's attributes; source: AOSP frameworks/base public-final.xml. */
const DEBUGGABLE = 0x0101000f;
const MIN_SDK_VERSION = 0x0101020c;
const VERSION_CODE = 0x0101021b;
const VERSION_NAME = 0x0101021c;
const TARGET_SDK_VERSION = 0x01010270;
const VERSION_CODE_MAJOR = 0x01010576;
const TEST_ONLY = 0x01010272;
const EXTRACT_NATIVE_LIBS = 0x010104ea;
const IS_SPLIT_REQUIRED = 0x01010591;
const REQUIRED_SPLIT_TYPES = 0x0101064e;

/** `<manifest>` and its children. Deeper elements are not read. */
const MAX_DEPTH = 2;
const MAX_PACKAGE_LENGTH = 223;
const MAX_VERSION_NAME_LENGTH = 256;
const PACKAGE = /^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$/;

/**
 * Reads the facts from a binary manifest. Values must be literal: a value that refers to a resource
 * can differ between devices. What was read before a rejection is left in `partial`.
 * Source: https://developer.android.com/guide/topics/manifest/manifest-element
 */
export function readManifest(bytes: Buffer, partial: Partial<ManifestFacts> = {}): Manifest | Rejection {
  const elements = readBinaryXml(bytes, MAX_DEPTH);
  if (elements === undefined) return malformed('it is not well-formed binary XML');
  const [root, ...rest] = elements;
  if (root?.name !== 'manifest' || rest.some(element => element.depth === 1)) {
    return malformed('its root must be a single <manifest>');
  }
  const usesSdk = only(rest, 'uses-sdk');
  const application = only(rest, 'application');
  if (usesSdk instanceof Rejection) return usesSdk;
  if (application instanceof Rejection) return application;

  const name = readPackage(root);
  if (name instanceof Rejection) return name;
  partial.package = name;
  const version = readVersion(root, partial);
  if (version instanceof Rejection) return version;
  Object.assign(partial, version);
  const minSdk = readSdk(usesSdk, MIN_SDK_VERSION, 'minSdkVersion', 1);
  if (minSdk instanceof Rejection) return minSdk;
  const targetSdk = readSdk(usesSdk, TARGET_SDK_VERSION, 'targetSdkVersion', minSdk);
  if (targetSdk instanceof Rejection) return targetSdk;
  const debuggable = readInt(application, DEBUGGABLE, 'debuggable');
  if (debuggable instanceof Rejection) return debuggable;
  const facts = { package: name, ...version, minSdk, targetSdk, debuggable: (debuggable ?? 0) !== 0 };
  return { facts: Object.assign(partial, facts), flags: readFlags(root, application) };
}

/** A flag that refers to a resource has no known value. It is treated as absent, so it refuses nothing. */
function readFlags(root: XmlElement, application: XmlElement | undefined): InstallFlags {
  const flag = (element: XmlElement | undefined, id: number): boolean | undefined => {
    const value = readInt(element, id, '');
    return typeof value === 'number' ? value !== 0 : undefined;
  };
  const types = find(root, REQUIRED_SPLIT_TYPES, '');
  const listed = types instanceof Rejection ? '' : (types?.text() ?? '');
  return {
    testOnly: flag(application, TEST_ONLY) === true,
    // Build tools write the attribute on either element.
    splitsRequired:
      flag(root, IS_SPLIT_REQUIRED) === true ||
      flag(application, IS_SPLIT_REQUIRED) === true ||
      listed !== '',
    extractNativeLibs: flag(application, EXTRACT_NATIVE_LIBS) !== false,
  };
}

function only(elements: readonly XmlElement[], name: string): XmlElement | Rejection | undefined {
  const [first, second] = elements.filter(element => element.name === name);
  return second === undefined ? first : malformed(`it has more than one <${name}>`);
}

function readPackage(root: XmlElement): string | Rejection {
  const plain = root.attributes.filter(attribute => !attribute.hasNamespace);
  if (plain.some(attribute => attribute.name === 'split')) {
    return new Rejection('split_apk', 'the file is one split of an app, not a complete APK');
  }
  const [first, second] = plain.filter(attribute => attribute.name === 'package');
  if (second !== undefined) return malformed('it names its package twice');
  const name = first?.text();
  if (name === undefined || name.length > MAX_PACKAGE_LENGTH || !PACKAGE.test(name)) {
    return new Rejection('package_invalid', 'the manifest has no valid package name');
  }
  return name;
}

function readVersion(
  root: XmlElement,
  partial: Partial<ManifestFacts>,
): { versionCode: number; versionName: string } | Rejection {
  const versionCode = readInt(root, VERSION_CODE, 'versionCode');
  if (versionCode instanceof Rejection) return versionCode;
  const major = readInt(root, VERSION_CODE_MAJOR, 'versionCodeMajor');
  if (major instanceof Rejection) return major;
  if ((major ?? 0) !== 0) {
    return new Rejection(
      'version_code_major',
      `versionCodeMajor is ${major}; only 32-bit version codes are supported`,
    );
  }
  if (versionCode === undefined || versionCode < 1) {
    return new Rejection('version_code_invalid', 'versionCode is not a whole number of at least 1');
  }
  partial.versionCode = versionCode;
  const attribute = find(root, VERSION_NAME, 'versionName');
  if (attribute instanceof Rejection) return attribute;
  const versionName =
    attribute?.text() ?? (attribute && isInt(attribute) ? String(attribute.data | 0) : undefined);
  if (versionName === undefined || versionName === '' || versionName.length > MAX_VERSION_NAME_LENGTH) {
    return new Rejection('version_name_missing', 'the manifest has no usable versionName');
  }
  return { versionCode, versionName };
}

/** An SDK level. A preview's codename (`"Baklava"`) is refused: no released device installs such an APK. */
function readSdk(
  element: XmlElement | undefined,
  id: number,
  name: string,
  fallback: number,
): number | Rejection {
  const attribute = find(element, id, name);
  if (attribute instanceof Rejection) return attribute;
  if (attribute === undefined) return fallback;
  if (!isInt(attribute)) {
    return new Rejection(
      'sdk_codename',
      `${name} is ${JSON.stringify(attribute.text() ?? '')}, not a number`,
    );
  }
  return Math.max(attribute.data | 0, 1);
}

function readInt(element: XmlElement | undefined, id: number, name: string): number | Rejection | undefined {
  const attribute = find(element, id, name);
  if (attribute === undefined || attribute instanceof Rejection) return attribute;
  return isInt(attribute) ? attribute.data | 0 : malformed(`${name} is not a number or boolean`);
}

function find(
  element: XmlElement | undefined,
  id: number,
  name: string,
): XmlAttribute | Rejection | undefined {
  const [first, second] = element?.attributes.filter(attribute => attribute.resourceId === id) ?? [];
  if (second !== undefined) return malformed(`it gives ${name} twice`);
  const type = first?.type;
  if (type === TYPE_REFERENCE || type === TYPE_DYNAMIC_REFERENCE || type === TYPE_ATTRIBUTE) {
    return new Rejection(
      'manifest_reference',
      `${name} refers to a resource; the manifest must contain the value itself`,
    );
  }
  return first;
}

function isInt(attribute: XmlAttribute): boolean {
  return attribute.type >= TYPE_FIRST_INT && attribute.type <= TYPE_LAST_INT;
}

function malformed(why: string): Rejection {
  return new Rejection('manifest_malformed', `AndroidManifest.xml is malformed: ${why}`);
}
