/**
 * Writes the conformance kit's APKs: `node --import tsx test/support/agent/write-kit.ts schemas/vectors/apks`.
 * Signatures are random, so the files change with every run; their facts do not.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeKit } from './apk-kit.ts';

const folder = process.argv[2] ?? 'schemas/vectors/apks';
const { v40, v41, v42, v43, foreign, otherPackage } = makeKit();
await mkdir(folder, { recursive: true });
for (const [name, apk] of Object.entries({ v40, v41, v42, v43, foreign, 'other-package': otherPackage }))
  await writeFile(path.join(folder, `${name}.apk`), apk);
