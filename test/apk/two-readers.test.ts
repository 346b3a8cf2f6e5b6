/** Archives that two readers could take for two archives: each entry's own header against the directory. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { factsOf, makeApk, testKey } from '../support/apk/index.ts';
import type { ZipFile } from '../support/apk/zip.ts';

const key = testKey('release');
const CONTENT = Buffer.from('content, content, content, content, content, content');

/** What the only concern says about an APK with this file between two usual ones; undefined when there is none. */
async function disagreement(file: Partial<ZipFile>): Promise<string | undefined> {
  const files = [
    { name: 'assets/first', content: CONTENT },
    { name: 'assets/ä.txt', content: CONTENT, ...file },
    { name: 'assets/last', content: CONTENT },
  ];
  const { concerns } = await factsOf(makeApk({ versionCode: 1, key, files }));
  assert.ok(concerns.length <= 1);
  const [concern] = concerns;
  if (concern !== undefined) assert.equal([concern.severity, concern.code], ['error', 'zip_entry_mismatch']);
  return concern?.message;
}

test('an entry whose headers agree raises nothing, stored, deflated, padded or with a data descriptor', async () => {
  for (const file of [
    {},
    { stored: true },
    { stored: true, alignTo: 4096 },
    { descriptor: 'signed' },
    { descriptor: 'bare' },
    { descriptor: 'signed', stored: true },
    { content: Buffer.alloc(0), stored: true },
  ] as const)
    assert.is(await disagreement(file), undefined, JSON.stringify(file));
});

test('a data descriptor without signature may end the entries', async () => {
  const files = [{ name: 'last', content: CONTENT, descriptor: 'bare' as const }];
  assert.equal((await factsOf(makeApk({ versionCode: 1, key, files }))).concerns, []);
});

const WRONG: [what: string, file: Partial<ZipFile>, says: RegExp][] = [
  ['another CRC', { local: { crc: 1 } }, /"assets\/ä\.txt" is ambiguous: its local header has another CRC/],
  ['another size', { local: { size: 1 } }, /its local header has another size/],
  ['another compressed size', { local: { compressedSize: 1 } }, /its local header has another size/],
  ['another method', { local: { method: 0 } }, /another compression method/],
  ['another name', { local: { name: 'assets/ö.txt' } }, /its local header has another name/],
  ['a longer name', { local: { name: 'assets/ä.txt2' } }, /its local header has another name/],
  [
    'a descriptor with another CRC',
    { descriptor: 'signed', local: { crc: 1 } },
    /data descriptor has another CRC/,
  ],
  [
    'a descriptor with another size',
    { descriptor: 'signed', local: { size: 1 } },
    /descriptor has another size/,
  ],
  [
    'a bare descriptor with another size',
    { descriptor: 'bare', local: { compressedSize: 1 } },
    /another size/,
  ],
];

for (const [what, file, says] of WRONG)
  test(`zip_entry_mismatch: ${what}`, async () =>
    assert.match((await disagreement(file)) ?? 'nothing', says));

/** The directory's record of the only file called `last`, with one field changed before signing. */
async function withDirectory(
  field: 'offset' | 'compressedSize',
  value: (now: number) => number,
): Promise<string> {
  const { signZip, unsignedApk, verdictOf } = await import('../support/apk/index.ts');
  const files = [{ name: 'last', content: CONTENT, stored: true, descriptor: 'bare' as const }];
  const parts = unsignedApk({ versionCode: 1, minSdk: 28, files });
  const at = parts.directory.length - 'last'.length - (field === 'offset' ? 4 : 26);
  parts.directory.writeUInt32LE(value(parts.directory.readUInt32LE(at)), at);
  const verdict = await verdictOf(signZip(parts, { v3: [{ key }] }));
  return verdict.ok ? (verdict.facts.concerns[0]?.message ?? 'nothing') : verdict.code;
}

test('zip_entry_mismatch: no header where the directory says, or beyond the entries', async () => {
  assert.match(await withDirectory('offset', now => now + 1), /"last" is ambiguous: it has no local header/);
  assert.match(await withDirectory('offset', () => 0x7fffffff), /it lies outside of the entries/);
  assert.match(await withDirectory('compressedSize', () => 0x7fffffff), /its content runs into/);
  assert.match(await withDirectory('compressedSize', now => now + 4000), /cut short|another|runs into/);
});

test('only the first entry that disagrees is named, and large archives cost no read of their own', async () => {
  const files = Array.from({ length: 300 }, (_, index) => ({
    name: `assets/${index}`,
    content: CONTENT,
    ...(index >= 100 && { local: { crc: index } }),
  }));
  const { concerns } = await factsOf(makeApk({ versionCode: 1, key, files }));
  assert.equal(
    concerns.map(c => c.message),
    ['entry "assets/100" is ambiguous: its local header has another CRC'],
  );
});

/** An APK in which the header of `assets/b` begins at this offset; `crc` is what that file's descriptor says. */
function withHeaderAt(offset: number, crc?: number): Buffer {
  const apkOf = (padding: number): Buffer =>
    makeApk({
      versionCode: 1,
      key,
      files: [
        { name: 'assets/padding', content: Buffer.alloc(padding), stored: true },
        {
          name: 'assets/b',
          content: Buffer.alloc(10),
          stored: true,
          descriptor: 'signed',
          ...(crc !== undefined && { local: { crc } }),
        },
      ],
    });
  const headerIn = (apk: Buffer): number => apk.indexOf('assets/b') - 30;
  const apk = apkOf(offset - headerIn(apkOf(0)));
  assert.is(headerIn(apk), offset);
  return apk;
}

test('headers and descriptors that cross a border of the pass over the file are read whole', async () => {
  const MIB = 1024 * 1024;
  // A header of 38 bytes, ten bytes of content, a descriptor of sixteen bytes.
  for (let before = 0; before <= 38 + 10 + 16; before += 1) {
    assert.equal((await factsOf(withHeaderAt(MIB - before))).concerns, [], `${before}`);
    const [concern] = (await factsOf(withHeaderAt(MIB - before, 7))).concerns;
    assert.match(concern?.message ?? 'nothing', /"assets\/b".*data descriptor has another CRC/, `${before}`);
  }
});

test('zip_name_invalid: NUL, bytes that are not UTF-8, and no name at all', async () => {
  for (const nameBytes of [
    Buffer.from('a\0b'),
    Buffer.from([0x61, 0xff]),
    Buffer.from([0xc3]),
    Buffer.alloc(0),
  ]) {
    const files = [{ name: '', nameBytes, content: CONTENT }];
    const { concerns } = await factsOf(makeApk({ versionCode: 1, key, files }));
    assert.equal(
      concerns.map(c => [c.severity, c.code]),
      [['error', 'zip_name_invalid']],
    );
  }
});

test.run();
