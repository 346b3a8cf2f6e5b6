import { crc32, deflateRawSync } from 'node:zlib';
import { u16, u32 } from './bytes.ts';

export interface ZipFile {
  name: string;
  content: Buffer;
  /** Deflated unless set. */
  stored?: boolean;
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
    const name = Buffer.from(file.name, 'utf8');
    const data = file.stored === true ? file.content : deflateRawSync(file.content);
    const common = Buffer.concat([
      u16(20, 0, file.stored === true ? 0 : 8, 0, 0x21),
      u32(crc32(file.content), data.length, file.content.length),
      u16(name.length, 0),
    ]);
    const local = Buffer.concat([u32(0x04034b50), common, name, data]);
    directory.push(Buffer.concat([u32(0x02014b50), u16(20), common, u16(0, 0, 0), u32(0, offset), name]));
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
