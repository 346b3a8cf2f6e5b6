import type { ZipEntry } from './zip-entry.ts';

/** The result of comparing the local headers with the central directory. */
export interface LocalFindings {
  /** Offset of an entry's content, by name. Empty after a disagreement. */
  dataOffsets: ReadonlyMap<string, number>;
  /** Describes the first entry, in file order, whose header disagrees with the directory. */
  disagreement: string | undefined;
}

const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_SIZE = 30;
const DESCRIPTOR_SIGNATURE = 0x08074b50;
const DESCRIPTOR_SIZE = 16;
/** Flag: sizes and CRC follow the content instead of being in the local header. */
const HAS_DESCRIPTOR = 0x0008;
/** Spans are sorted into stripes of this size. A header is at most 64 KiB, so it crosses at most one border. */
const STRIPE = 1024 * 1024;

const EMPTY = Buffer.alloc(0);

interface Span {
  kind: 'header' | 'descriptor';
  entry: ZipEntry;
  offset: number;
  size: number;
  /** The bytes read so far of a span that crosses a border between stripes. */
  begun: Buffer;
}

/**
 * Compares each entry's local header, and its data descriptor if it has one, with the central directory. It gets
 * its bytes from the pass over the whole file, so no entry needs a separate read. Android refuses an entry whose
 * name, sizes or CRC differ. Readers that stream an archive use only these headers.
 * Source: PKWARE APPNOTE §4.3.7, §4.3.9 and AOSP system/libziparchive.
 */
export class LocalHeaders {
  private readonly stripes = new Map<number, Span[]>();
  private readonly offsets = new Map<string, number>();
  private readonly end: number;
  private disagreement: string | undefined;

  /** `end` is the offset at which the entries end. */
  constructor(entries: Iterable<ZipEntry>, end: number) {
    this.end = end;
    for (const entry of entries)
      this.expect('header', entry, entry.headerOffset, LOCAL_SIZE + entry.name.length);
  }

  /** Takes the next bytes of the file. They must come in order and must not cross a border between stripes. */
  see(offset: number, bytes: Buffer): void {
    const stripe = Math.floor(offset / STRIPE);
    const spans = this.stripes.get(stripe) ?? [];
    // Reading a header can add its descriptor to this same stripe.
    for (let index = 0; index < spans.length && this.disagreement === undefined; index += 1) {
      const span = spans[index];
      if (span === undefined) continue;
      const from = Math.max(span.offset - offset, 0);
      const part = bytes.subarray(from, Math.max(span.offset + span.size - offset, 0));
      const whole = span.begun.length === 0 ? part : Buffer.concat([span.begun, part]);
      if (whole.length === span.size) this.read(span, whole);
      // The bytes are copied because the caller reuses its buffer.
      else span.begun = Buffer.from(whole);
    }
    this.stripes.delete(stripe);
  }

  findings(): LocalFindings {
    return { dataOffsets: this.offsets, disagreement: this.disagreement };
  }

  private expect(kind: Span['kind'], entry: ZipEntry, offset: number, size: number): void {
    if (offset + size > this.end) {
      this.disagree(entry, kind === 'header' ? 'it lies outside of the entries' : 'it is cut short');
      return;
    }
    const span: Span = { kind, entry, offset, size, begun: EMPTY };
    const [first, last] = [Math.floor(offset / STRIPE), Math.floor((offset + size - 1) / STRIPE)];
    for (let stripe = first; stripe <= last; stripe += 1) {
      const spans = this.stripes.get(stripe);
      if (spans === undefined) this.stripes.set(stripe, [span]);
      else spans.push(span);
    }
  }

  private read({ kind, entry }: Span, bytes: Buffer): void {
    const fault = kind === 'header' ? this.headerFault(entry, bytes) : descriptorFault(entry, bytes);
    if (fault !== undefined) this.disagree(entry, fault);
  }

  private headerFault(entry: ZipEntry, bytes: Buffer): string | undefined {
    if (bytes.readUInt32LE(0) !== LOCAL_SIGNATURE) return 'it has no local header';
    const nameLength = bytes.readUInt16LE(26);
    if (nameLength !== entry.name.length || bytes.toString('latin1', LOCAL_SIZE) !== entry.name)
      return 'its local header has another name';
    if (bytes.readUInt16LE(8) !== entry.method) return 'its local header names another compression method';
    const dataOffset = entry.headerOffset + LOCAL_SIZE + nameLength + bytes.readUInt16LE(28);
    const dataEnd = dataOffset + entry.compressedSize;
    if (dataEnd > this.end) return 'its content runs into what follows the entries';
    this.offsets.set(entry.name, dataOffset);
    if ((bytes.readUInt16LE(6) & HAS_DESCRIPTOR) === 0) return sizeFault(entry, bytes, 14, 'local header');
    // Without its optional signature a descriptor is four bytes shorter, and the last one can end the entries.
    const size = Math.min(DESCRIPTOR_SIZE, Math.max(this.end - dataEnd, DESCRIPTOR_SIZE - 4));
    this.expect('descriptor', entry, dataEnd, size);
    return undefined;
  }

  private disagree({ name }: ZipEntry, why: string): void {
    const shown = JSON.stringify(Buffer.from(name, 'latin1').toString('utf8'));
    this.disagreement ??= `entry ${shown} is ambiguous: ${why}`;
    this.offsets.clear();
    this.stripes.clear();
  }
}

function descriptorFault(entry: ZipEntry, bytes: Buffer): string | undefined {
  const signed = bytes.length === DESCRIPTOR_SIZE && bytes.readUInt32LE(0) === DESCRIPTOR_SIGNATURE;
  return sizeFault(entry, bytes, signed ? 4 : 0, 'data descriptor');
}

/** Both structures hold CRC, compressed size and size in this order. */
function sizeFault(entry: ZipEntry, bytes: Buffer, at: number, where: string): string | undefined {
  if (bytes.readUInt32LE(at) !== entry.crc) return `its ${where} has another CRC`;
  const same =
    bytes.readUInt32LE(at + 4) === entry.compressedSize && bytes.readUInt32LE(at + 8) === entry.size;
  return same ? undefined : `its ${where} has another size`;
}
