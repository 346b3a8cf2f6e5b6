import { crc32, deflateRawSync } from 'node:zlib';
import { u16, u32 } from './bytes.ts';

export interface ZipFile {
  name: string;
  content: Buffer;
  /** Deflated unless set. */
  stored?: boolean;
  /** Pads the local header so that the content begins at a multiple of this. */
  alignTo?: number;
  /** Sizes and CRC follow the content, with or without the optional signature. */
  descriptor?: 'signed' | 'bare';
  /** What the local header says in place of what the directory says; with a descriptor, what that says. */
  local?: { name?: string; method?: number; crc?: number; compressedSize?: number; size?: number };
  /** The name's bytes, when they are not UTF-8 text. */
  nameBytes?: Buffer;
}

/** The three parts of an archive, before anything is put between them. */
export interface ZipParts {
  entries: Buffer;
  directory: Buffer;
  /** The end record; its directory offset is right when the parts follow each other directly. */
  end: Buffer;
}

export function buildZip(files: readonly ZipFile[], comment = ''): ZipParts {
  const entries: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const name = file.nameBytes ?? Buffer.from(file.name, 'utf8');
    const data = file.stored === true ? file.content : deflateRawSync(file.content);
    const method = file.stored === true ? 0 : 8;
    const flags = file.descriptor === undefined ? 0 : 0x0008;
    const facts = {
      name,
      method,
      crc: crc32(file.content),
      compressedSize: data.length,
      size: file.content.length,
    };
    const common = (of: typeof facts, extraLength: number): Buffer =>
      Buffer.concat([
        u16(20, flags, of.method, 0, 0x21),
        u32(of.crc, of.compressedSize, of.size),
        u16(of.name.length, extraLength),
      ]);
    const told = {
      ...facts,
      ...file.local,
      name: file.local?.name === undefined ? name : Buffer.from(file.local.name),
    };
    const dataOffset = offset + 30 + told.name.length;
    const padding =
      file.alignTo === undefined ? 0 : (file.alignTo - (dataOffset % file.alignTo)) % file.alignTo;
    const inHeader = file.descriptor === undefined ? told : { ...told, crc: 0, compressedSize: 0, size: 0 };
    const after = [
      ...(file.descriptor === 'signed' ? [u32(0x08074b50)] : []),
      ...(file.descriptor === undefined ? [] : [u32(told.crc, told.compressedSize, told.size)]),
    ];
    const local = Buffer.concat([
      u32(0x04034b50),
      common(inHeader, padding),
      told.name,
      Buffer.alloc(padding),
      data,
      ...after,
    ]);
    directory.push(
      Buffer.concat([u32(0x02014b50), u16(20), common(facts, 0), u16(0, 0, 0), u32(0, offset), name]),
    );
    entries.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const text = Buffer.from(comment, 'latin1');
  const end = Buffer.concat([
    u32(0x06054b50),
    u16(0, 0, files.length, files.length),
    u32(central.length, offset),
    u16(text.length),
    text,
  ]);
  return { entries: Buffer.concat(entries), directory: central, end };
}

/** The archive as one file, with `between` (a signing block) put before the central directory. */
export function joinZip(parts: ZipParts, between: Buffer = Buffer.alloc(0)): Buffer {
  const end = Buffer.from(parts.end);
  end.writeUInt32LE(parts.entries.length + between.length, 16);
  return Buffer.concat([parts.entries, between, parts.directory, end]);
}
