/** The small readers that the others are built from: cursor, string pool, binary XML. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readBinaryXml } from '../../controller/apk/binary-xml.ts';
import { Cursor } from '../../controller/apk/cursor.ts';
import { readManifest } from '../../controller/apk/manifest.ts';
import { Rejection } from '../../controller/apk/rejection.ts';
import { openStringPool } from '../../controller/apk/string-pool.ts';
import { u16, u32, u64 } from '../support/apk/bytes.ts';
import { manifestOf } from '../support/apk/make-apk.ts';
import { androidAttribute, buildBinaryXml } from '../support/apk/manifest.ts';

const NONE = 0xffffffff;

test('a cursor reads in order and knows how many bytes are left', () => {
  const cursor = new Cursor(Buffer.concat([u32(7, 0xfffffff9), u64(2 ** 53 - 1), Buffer.from('ab')]));
  assert.equal([cursor.u32(), cursor.i32(), cursor.u64()], [7, -7, 2 ** 53 - 1]);
  assert.is(cursor.remaining, 2);
  assert.is(cursor.take(2).toString(), 'ab');
  assert.equal([cursor.remaining, cursor.overrun], [0, false]);
  assert.equal([cursor.take(0).length, cursor.overrun], [0, false]);
});

test('a read past the end yields nothing, ends the cursor and is remembered', () => {
  for (const read of [
    (c: Cursor) => c.u32(),
    (c: Cursor) => c.i32(),
    (c: Cursor) => c.u64(),
    (c: Cursor) => c.take(4).length,
    (c: Cursor) => c.prefixed().length,
  ]) {
    const cursor = new Cursor(Buffer.from('abc'));
    assert.equal([read(cursor), cursor.overrun, cursor.remaining], [0, true, 0]);
  }
});

test('a length beyond 2^53 is an overrun', () => {
  for (const value of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
    const cursor = new Cursor(Buffer.concat([u64(value), Buffer.alloc(8)]));
    assert.equal([cursor.u64(), cursor.overrun, cursor.remaining], [0, true, 0]);
  }
});

test('a slice shares the overrun of the cursor that it was cut from', () => {
  const cursor = new Cursor(Buffer.concat([u32(4), u32(1), u32(9)]));
  const slice = cursor.slice();
  assert.equal([slice.u32(), slice.remaining, cursor.overrun], [1, 0, false]);
  slice.u32();
  assert.equal([slice.overrun, cursor.overrun], [true, true]);
  assert.is(cursor.u32(), 9, 'the cursor itself reads on');
});

/** A pool of strings, encoded by hand. */
function pool(flags: number, ...strings: Buffer[]): Buffer {
  const offsets: number[] = [];
  let at = 0;
  for (const bytes of strings) {
    offsets.push(at);
    at += bytes.length;
  }
  const header = [
    u16(1, 28),
    u32(28 + offsets.length * 4 + at),
    u32(strings.length, 0, flags, 28 + offsets.length * 4, 0),
  ];
  return Buffer.concat([...header, u32(...offsets), ...strings]);
}

const UTF8 = 0x100;
const utf16 = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'utf16le');
  const length =
    text.length < 0x8000 ? u16(text.length) : u16(0x8000 | (text.length >> 16), text.length & 0xffff);
  return Buffer.concat([length, bytes, u16(0)]);
};
const utf8 = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  const length = (n: number) => (n < 0x80 ? Buffer.from([n]) : Buffer.from([0x80 | (n >> 8), n & 0xff]));
  return Buffer.concat([length(text.length), length(bytes.length), bytes, Buffer.alloc(1)]);
};

test('strings of every length class are read in both encodings', () => {
  for (const text of [
    '',
    'a',
    'é',
    'x'.repeat(127),
    'x'.repeat(128),
    'é'.repeat(127),
    'é'.repeat(300),
    'x'.repeat(0x7fff),
  ]) {
    const [eight, sixteen] = [
      openStringPool(pool(UTF8, utf8('first'), utf8(text))),
      openStringPool(pool(0, utf16('first'), utf16(text))),
    ];
    assert.is(eight?.get(1, 1e6), text, `UTF-8, ${text.length}`);
    assert.is(sixteen?.get(1, 1e6), text, `UTF-16, ${text.length}`);
    assert.is(eight?.get(0, 1e6), 'first');
  }
  const long = 'y'.repeat(70_000);
  assert.is(openStringPool(pool(0, utf16('first'), utf16(long)))?.get(1, 1e6), long);
});

test('only the flag for UTF-8 decides about the encoding', () => {
  const SORTED = 1;
  assert.is(openStringPool(pool(SORTED, utf16('sorted')))?.get(0, 100), 'sorted');
  assert.is(openStringPool(pool(SORTED | UTF8, utf8('sorted')))?.get(0, 100), 'sorted');
});

test('a string is limited in bytes, at the very byte', () => {
  const eight = openStringPool(pool(UTF8, utf8('éé')));
  assert.equal([eight?.get(0, 4), eight?.get(0, 3)], ['éé', undefined]);
  const sixteen = openStringPool(pool(0, utf16('éé')));
  assert.equal([sixteen?.get(0, 4), sixteen?.get(0, 3)], ['éé', undefined]);
});

test('an index that is not in the pool, and a string that runs past it, are unknown', () => {
  const whole = pool(UTF8, utf8('abc'));
  const strings = openStringPool(whole);
  for (const index of [1, -1, 0.5, NONE]) assert.is(strings?.get(index, 100), undefined);
  for (const cut of [2, 4, 5])
    assert.is(openStringPool(whole.subarray(0, -cut))?.get(0, 100), undefined, `${cut}`);
  assert.is(openStringPool(whole.subarray(0, -1))?.get(0, 100), 'abc', 'its terminator is not needed');
});

test('a string pool whose header does not fit is ignored', () => {
  const whole = pool(UTF8, utf8('abc'));
  assert.is(openStringPool(whole.subarray(0, 27)), undefined);
  for (const [at, value] of [
    [8, 0x40000000],
    [8, 3],
    [20, whole.length + 1],
  ] as const) {
    const bytes = Buffer.from(whole);
    bytes.writeUInt32LE(value, at);
    assert.is(openStringPool(bytes), undefined, `${at}`);
  }
  const header = Buffer.from(whole);
  header.writeUInt16LE(27, 2);
  assert.is(openStringPool(header), undefined);
  const empty = Buffer.from(pool(UTF8));
  const opened = openStringPool(empty);
  assert.ok(opened !== undefined, 'a pool without strings is one');
  assert.is(opened.get(0, 100), undefined);
});

const usual = manifestOf({ versionCode: 42, versionName: '4.2.0' });
const codeOf = (bytes: Buffer): string => {
  const result = readManifest(bytes);
  return result instanceof Rejection ? result.code : result.facts.package;
};

/** Offsets of each chunk of the file with this type. */
function chunks(bytes: Buffer, type: number): number[] {
  const found: number[] = [];
  for (let at = 8; at < bytes.length; at += bytes.readUInt32LE(at + 4))
    if (bytes.readUInt16LE(at) === type) found.push(at);
  return found;
}

test('a second root is refused', () => {
  const bytes = buildBinaryXml(usual);
  const [start = 0] = chunks(bytes, 0x0102);
  const [end = 0] = chunks(bytes, 0x0103).slice(-1);
  const part = (at: number) => bytes.subarray(at, at + bytes.readUInt32LE(at + 4));
  const twice = Buffer.concat([bytes, part(start), part(end)]);
  twice.writeUInt32LE(twice.length, 4);
  assert.is(codeOf(twice), 'manifest_malformed');
});

test('elements that are never closed, or closed twice, are refused', () => {
  const bytes = buildBinaryXml(usual);
  const [end = 0] = chunks(bytes, 0x0103).slice(-1);
  const size = bytes.readUInt32LE(end + 4);
  const open = Buffer.concat([bytes.subarray(0, end), bytes.subarray(end + size)]);
  open.writeUInt32LE(open.length, 4);
  assert.is(codeOf(open), 'manifest_malformed');
  const closed = Buffer.concat([bytes, bytes.subarray(end, end + size)]);
  closed.writeUInt32LE(closed.length, 4);
  assert.is(codeOf(closed), 'manifest_malformed');
  const [start = 0] = chunks(bytes, 0x0102);
  const early = Buffer.concat([
    bytes.subarray(0, start),
    bytes.subarray(end, end + size),
    bytes.subarray(start, start + bytes.readUInt32LE(start + 4)),
  ]);
  early.writeUInt32LE(early.length, 4);
  assert.is(codeOf(early), 'manifest_malformed', 'closed before it is opened');
});

test('an attribute or element without a name is refused', () => {
  const bytes = buildBinaryXml(usual);
  const [start = 0] = chunks(bytes, 0x0102);
  const element = Buffer.from(bytes);
  element.writeUInt32LE(9999, start + 16 + 4);
  assert.is(codeOf(element), 'manifest_malformed');
  const attribute = Buffer.from(bytes);
  attribute.writeUInt32LE(9999, start + 16 + 20 + 4);
  assert.is(codeOf(attribute), 'manifest_malformed');
});

test('names have at most 256 bytes', () => {
  for (const [length, code] of [
    [256, 'com.nexmdm.agent'],
    [257, 'manifest_malformed'],
  ] as const) {
    const name = 'n'.repeat(length);
    const child = { ...usual, children: [...(usual.children ?? []), { name }] };
    assert.is(codeOf(buildBinaryXml(child)), code, 'element');
    const attributes = [...(usual.attributes ?? []), { name, value: { int: 1 } }];
    assert.is(codeOf(buildBinaryXml({ ...usual, attributes })), code, 'attribute');
  }
});

test('a package has at most 223 characters, and only letters, digits, _ and dots', () => {
  const of = (name: string) => {
    const attributes = (usual.attributes ?? []).map(a =>
      a.name === 'package' ? { ...a, value: { string: name } } : a,
    );
    return codeOf(buildBinaryXml({ ...usual, attributes }));
  };
  const long = `com.${'a'.repeat(219)}`;
  assert.equal([of(long), of(`${long}a`)], [long, 'package_invalid']);
  for (const name of ['a.b', 'A1_.b_2', 'a.b.c.d']) assert.is(of(name), name);
  for (const name of ['a', '1a.b', 'a.1b', '_a.b', 'a..b', 'a.b.', '.a.b', 'a.b-c', 'a.b c', 'a.é', 'a.b\n'])
    assert.is(of(name), 'package_invalid', name);
});

test('the types 0x10 to 0x1f are numbers, and no other', () => {
  const of = (type: number) => {
    const attributes = (usual.attributes ?? []).map(a =>
      a.name === 'versionCode' ? androidAttribute('versionCode', { type, data: 7 }) : a,
    );
    const result = readManifest(buildBinaryXml({ ...usual, attributes }));
    return result instanceof Rejection ? result.code : result.facts.versionCode;
  };
  assert.equal([of(0x10), of(0x11), of(0x1f)], [7, 7, 7]);
  for (const type of [0x0f, 0x20, 0x04]) assert.is(of(type), 'manifest_malformed', `${type}`);
});

test('a string value may have no raw text; with one, both must be the same', () => {
  const bytes = buildBinaryXml(usual);
  const strings = openStringPool(bytes.subarray(8, 8 + bytes.readUInt32LE(12)));
  const indexOf = (text: string): number =>
    Array.from({ length: 40 }, (_, index) => index).find(index => strings?.get(index, 1000) === text) ?? -1;
  const [start = 0] = chunks(bytes, 0x0102);
  const attribute = (name: string): number =>
    [0, 1, 2].map(i => start + 36 + i * 20).find(at => bytes.readUInt32LE(at + 4) === indexOf(name)) ?? 0;
  const withRaw = (name: string, index: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(index, attribute(name) + 8);
    return copy;
  };
  assert.is(codeOf(withRaw('package', NONE)), 'com.nexmdm.agent');
  assert.is(codeOf(withRaw('package', indexOf('package'))), 'package_invalid');
  const result = readManifest(withRaw('versionName', indexOf('package')));
  assert.is(result instanceof Rejection && result.code, 'version_name_missing');
});

test('an element’s header has twenty bytes, and attributes fill what it counts', () => {
  const bytes = buildBinaryXml(usual);
  const [start = 0] = chunks(bytes, 0x0102);
  for (const [offset, value] of [
    [8, 0xffff],
    [10, 19],
    [12, 0xffff],
  ] as const) {
    const copy = Buffer.from(bytes);
    copy.writeUInt16LE(value, start + 16 + offset);
    assert.is(codeOf(copy), 'manifest_malformed', `${offset}`);
  }
  const short = (extension: number): Buffer => {
    const [end = 0] = chunks(bytes, 0x0103).slice(0, 1);
    const element = Buffer.concat([
      u16(0x0102, 16),
      u32(16 + extension, 1, NONE),
      Buffer.concat([u32(NONE, 0), u16(20, 20, 0, 0, 0, 0)]).subarray(0, extension),
    ]);
    const close = bytes.subarray(end, end + 24);
    const [at = 0] = chunks(bytes, 0x0103);
    const copy = Buffer.concat([bytes.subarray(0, at + 24), element, close, bytes.subarray(at + 24)]);
    copy.writeUInt32LE(copy.length, 4);
    return copy;
  };
  assert.equal([codeOf(short(20)), codeOf(short(19))], ['com.nexmdm.agent', 'manifest_malformed']);
});

test('chunks must fit into each other', () => {
  const bytes = buildBinaryXml(usual);
  assert.is(readBinaryXml(bytes, 2)?.[0]?.name, 'manifest');
  for (const [at, value] of [
    [0, 0x0180],
    [2, 7],
  ] as const) {
    const copy = Buffer.from(bytes);
    copy.writeUInt16LE(value, at);
    assert.is(readBinaryXml(copy, 2), undefined, `${at}`);
  }
  for (const size of [7, bytes.length + 1]) {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(size, 4);
    assert.is(readBinaryXml(copy, 2), undefined, `${size}`);
  }
  assert.equal(
    readBinaryXml(bytes, 1)?.map(element => element.name),
    ['manifest'],
    'no deeper than asked',
  );
  assert.equal(
    readBinaryXml(bytes, 2)?.map(element => [element.name, element.depth]),
    [
      ['manifest', 1],
      ['uses-sdk', 2],
      ['application', 2],
    ],
  );
});

test('an attribute without an id of the framework has the id 0', () => {
  const [root] = readBinaryXml(buildBinaryXml(usual), 1) ?? [];
  assert.equal(
    root?.attributes.map(a => [a.name, a.resourceId, a.hasNamespace]),
    [
      ['versionCode', 0x0101021b, true],
      ['versionName', 0x0101021c, true],
      ['package', 0, false],
    ],
  );
  const only = readBinaryXml(
    buildBinaryXml({ name: 'a', attributes: [androidAttribute('testOnly', { boolean: true })] }),
    1,
  );
  assert.equal([only?.[0]?.attributes[0]?.type, only?.[0]?.attributes[0]?.data], [0x12, NONE]);
});

test.run();
