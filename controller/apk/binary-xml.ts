import { NO_STRINGS, openStringPool, type StringPool } from './string-pool.ts';

/** One attribute, with its value as the resource compiler typed it. */
export interface XmlAttribute {
  /** The name as written. Android identifies its own attributes by `resourceId` instead. */
  name: string;
  hasNamespace: boolean;
  /** The framework's id for the attribute's name, or 0 if it has none. */
  resourceId: number;
  type: number;
  data: number;
  /**
   * The value as a string: the typed string, or else the raw text. `undefined` if there is neither, if it
   * is too long, or if the two differ, because Android reads some attributes from one and some from the other.
   */
  text(): string | undefined;
}

/** One element. Elements are listed in document order. */
export interface XmlElement {
  name: string;
  /** 1 for the root. */
  depth: number;
  attributes: XmlAttribute[];
}

/** Value types of AOSP ResourceTypes.h, `Res_value`. */
export const TYPE_REFERENCE = 0x01;
export const TYPE_ATTRIBUTE = 0x02;
const TYPE_STRING = 0x03;
export const TYPE_DYNAMIC_REFERENCE = 0x07;
export const TYPE_FIRST_INT = 0x10;
export const TYPE_LAST_INT = 0x1f;

const CHUNK_XML = 0x0003;
const CHUNK_STRING_POOL = 0x0001;
const CHUNK_RESOURCE_MAP = 0x0180;
const CHUNK_START_ELEMENT = 0x0102;
const CHUNK_END_ELEMENT = 0x0103;
const CHUNK_HEADER_SIZE = 8;
/** What follows the header of a start element: its name, and where its attributes are. */
const EXTENSION_SIZE = 20;
const ATTRIBUTE_SIZE = 20;
const NO_INDEX = 0xffffffff;
const MAX_NAME_BYTES = 256;
const MAX_TEXT_BYTES = 4096;

/**
 * Reads the elements of a binary XML file down to `maxDepth`; `undefined` if the file is malformed. The cost
 * is linear in the size of the input: every chunk has at least eight bytes and is read once.
 * Source: AOSP frameworks/base ResourceTypes.h, `ResXMLTree_header` and following.
 */
export function readBinaryXml(bytes: Buffer, maxDepth: number): XmlElement[] | undefined {
  const outer = chunkAt(bytes, 0);
  if (outer === undefined || outer.type !== CHUNK_XML) return undefined;
  let strings: StringPool | undefined;
  let resourceIds: Buffer = Buffer.alloc(0);
  let depth = 0;
  const elements: XmlElement[] = [];
  for (let at = outer.headerSize; at < outer.body.length; ) {
    const chunk = chunkAt(outer.body, at);
    if (chunk === undefined) return undefined;
    at += chunk.body.length;
    if (chunk.type === CHUNK_STRING_POOL && strings === undefined) {
      strings = openStringPool(chunk.body);
      if (strings === undefined) return undefined;
    } else if (chunk.type === CHUNK_RESOURCE_MAP) {
      resourceIds = chunk.body.subarray(chunk.headerSize);
    } else if (chunk.type === CHUNK_START_ELEMENT) {
      depth += 1;
      if (depth > maxDepth) continue;
      const element = readElement(chunk, strings ?? NO_STRINGS, resourceIds, depth);
      if (element === undefined) return undefined;
      elements.push(element);
    } else if (chunk.type === CHUNK_END_ELEMENT) {
      depth -= 1;
      if (depth < 0) return undefined;
    }
  }
  return depth === 0 ? elements : undefined;
}

interface Chunk {
  type: number;
  headerSize: number;
  /** The whole chunk, its header included. */
  body: Buffer;
}

function chunkAt(bytes: Buffer, at: number): Chunk | undefined {
  if (at + CHUNK_HEADER_SIZE > bytes.length) return undefined;
  const headerSize = bytes.readUInt16LE(at + 2);
  const size = bytes.readUInt32LE(at + 4);
  if (headerSize < CHUNK_HEADER_SIZE || size < headerSize || at + size > bytes.length) return undefined;
  return { type: bytes.readUInt16LE(at), headerSize, body: bytes.subarray(at, at + size) };
}

function readElement(
  chunk: Chunk,
  strings: StringPool,
  resourceIds: Buffer,
  depth: number,
): XmlElement | undefined {
  const extension = chunk.body.subarray(chunk.headerSize);
  if (extension.length < EXTENSION_SIZE) return undefined;
  const name = strings.get(extension.readUInt32LE(4), MAX_NAME_BYTES);
  const start = extension.readUInt16LE(8);
  const size = extension.readUInt16LE(10);
  const count = extension.readUInt16LE(12);
  if (name === undefined || (count > 0 && size < ATTRIBUTE_SIZE)) return undefined;
  if (start + size * count > extension.length) return undefined;

  const attributes: XmlAttribute[] = [];
  for (let index = 0; index < count; index += 1) {
    const attribute = readAttribute(extension.subarray(start + index * size), strings, resourceIds);
    if (attribute === undefined) return undefined;
    attributes.push(attribute);
  }
  return { name, depth, attributes };
}

function readAttribute(bytes: Buffer, strings: StringPool, resourceIds: Buffer): XmlAttribute | undefined {
  const nameIndex = bytes.readUInt32LE(4);
  const rawIndex = bytes.readUInt32LE(8);
  const type = bytes.readUInt8(15);
  const data = bytes.readUInt32LE(16);
  const name = strings.get(nameIndex, MAX_NAME_BYTES);
  if (name === undefined) return undefined;
  return {
    name,
    hasNamespace: bytes.readUInt32LE(0) !== NO_INDEX,
    resourceId: nameIndex * 4 + 4 <= resourceIds.length ? resourceIds.readUInt32LE(nameIndex * 4) : 0,
    type,
    data,
    text() {
      const raw = strings.get(rawIndex, MAX_TEXT_BYTES);
      if (type !== TYPE_STRING) return raw;
      const typed = strings.get(data, MAX_TEXT_BYTES);
      return rawIndex === NO_INDEX || raw === typed ? typed : undefined;
    },
  };
}
