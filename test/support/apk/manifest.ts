import { u16, u32 } from './bytes.ts';

/** A value as the resource compiler would type it. */
export type ManifestValue =
  | { string: string }
  | { int: number }
  | { boolean: boolean }
  /** Anything else, such as a reference (type 1) to a resource. */
  | { type: number; data: number };

export interface ManifestAttribute {
  name: string;
  /** The framework's id; left out for attributes without a namespace. */
  resourceId?: number;
  value: ManifestValue;
}

export interface ManifestElement {
  name: string;
  attributes?: ManifestAttribute[];
  children?: ManifestElement[];
}

/** Ids of the framework's attributes. */
export const ATTRIBUTES = {
  debuggable: 0x0101000f,
  testOnly: 0x01010272,
  extractNativeLibs: 0x010104ea,
  isSplitRequired: 0x01010591,
  requiredSplitTypes: 0x0101064e,
  minSdkVersion: 0x0101020c,
  versionCode: 0x0101021b,
  versionName: 0x0101021c,
  targetSdkVersion: 0x01010270,
  versionCodeMajor: 0x01010576,
} as const;

const NONE = 0xffffffff;
const ANDROID = 'http://schemas.android.com/apk/res/android';

export function androidAttribute(name: keyof typeof ATTRIBUTES, value: ManifestValue): ManifestAttribute {
  return { name, resourceId: ATTRIBUTES[name], value };
}

/** Writes binary XML. The string pool is UTF-8 or, as older compilers did, UTF-16. */
export function buildBinaryXml(root: ManifestElement, encoding: 'utf8' | 'utf16' = 'utf8'): Buffer {
  const strings: string[] = [];
  const resourceIds: number[] = [];
  // Names with an id come first: the resource map is parallel to the head of the pool.
  for (const attribute of attributesOf(root)) {
    if (attribute.resourceId === undefined || resourceIds.includes(attribute.resourceId)) continue;
    resourceIds.push(attribute.resourceId);
    strings.push(attribute.name);
  }
  const index = (text: string): number => {
    const at = strings.indexOf(text);
    return at >= 0 ? at : strings.push(text) - 1;
  };
  const nameOf = (attribute: ManifestAttribute): number =>
    attribute.resourceId === undefined ? index(attribute.name) : resourceIds.indexOf(attribute.resourceId);
  const elements = writeElement(root, index, nameOf);
  const body = Buffer.concat([
    stringPool(strings, encoding),
    chunk(0x0180, 8, u32(...resourceIds)),
    namespace(0x0100, index('android'), index(ANDROID)),
    elements,
    namespace(0x0101, index('android'), index(ANDROID)),
  ]);
  return chunk(0x0003, 8, body);
}

function attributesOf(element: ManifestElement): ManifestAttribute[] {
  return [...(element.attributes ?? []), ...(element.children ?? []).flatMap(attributesOf)];
}

function writeElement(
  element: ManifestElement,
  index: (text: string) => number,
  nameOf: (attribute: ManifestAttribute) => number,
): Buffer {
  // Interned up front, so that the pool is complete before it is written.
  index(ANDROID);
  index('android');
  const attributes = element.attributes ?? [];
  const start = Buffer.concat([
    u32(1, NONE, NONE, index(element.name)),
    u16(20, 20, attributes.length, 0, 0, 0),
    ...attributes.map(attribute => writeAttribute(attribute, index, nameOf(attribute))),
  ]);
  const children = (element.children ?? []).map(child => writeElement(child, index, nameOf));
  const end = u32(1, NONE, NONE, index(element.name));
  return Buffer.concat([chunk(0x0102, 16, start), ...children, chunk(0x0103, 16, end)]);
}

function writeAttribute(attribute: ManifestAttribute, index: (text: string) => number, name: number): Buffer {
  const [type, data, raw] = typed(attribute.value, index);
  const space = attribute.resourceId === undefined ? NONE : index(ANDROID);
  return Buffer.concat([u32(space, name, raw), u16(8), Buffer.from([0, type]), u32(data)]);
}

function typed(
  value: ManifestValue,
  index: (text: string) => number,
): [type: number, data: number, raw: number] {
  if ('string' in value) return [0x03, index(value.string), index(value.string)];
  if ('int' in value) return [0x10, value.int, NONE];
  if ('boolean' in value) return [0x12, value.boolean ? NONE : 0, NONE];
  return [value.type, value.data, NONE];
}

function namespace(type: number, prefix: number, uri: number): Buffer {
  return chunk(type, 16, u32(1, NONE, prefix, uri));
}

/** `body` starts after the eight bytes all chunks share; `headerSize` counts those too. */
function chunk(type: number, headerSize: number, body: Buffer): Buffer {
  return Buffer.concat([u16(type, headerSize), u32(8 + body.length), body]);
}

function stringPool(strings: readonly string[], encoding: 'utf8' | 'utf16'): Buffer {
  const encoded = strings.map(text => (encoding === 'utf8' ? utf8(text) : utf16(text)));
  const offsets: number[] = [];
  let at = 0;
  for (const bytes of encoded) {
    offsets.push(at);
    at += bytes.length;
  }
  const padding = Buffer.alloc((4 - (at % 4)) % 4);
  const header = u32(strings.length, 0, encoding === 'utf8' ? 0x100 : 0, 28 + strings.length * 4, 0);
  return chunk(0x0001, 28, Buffer.concat([header, u32(...offsets), ...encoded, padding]));
}

function utf8(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([length8(text.length), length8(bytes.length), bytes, Buffer.alloc(1)]);
}

function length8(length: number): Buffer {
  return length < 0x80 ? Buffer.from([length]) : Buffer.from([0x80 | (length >> 8), length & 0xff]);
}

function utf16(text: string): Buffer {
  return Buffer.concat([u16(text.length), Buffer.from(text, 'utf16le'), u16(0)]);
}
