/**
 * Bundles `ota` over what tsc has written to dist: a few files to read instead of hundreds. Verbs and the parts that few of
 * them need are chunks of their own. Native and rarely used packages stay outside. Run by `npm run build`, after tsc.
 */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { precompiled } from './precompile.ts';

const folder = new URL('../', import.meta.url).pathname;

/** Loaded by one verb each (backup, restore, --open-pr), or native. */
const OUTSIDE = [
  'knex',
  'sqlite3',
  'tar',
  '@octokit/*',
  'bottleneck',
  'firebase-admin',
  'pino',
  'prom-client',
];

const COMMON_JS = [
  "import { createRequire as makeRequire } from 'node:module';",
  "import { fileURLToPath as toPath } from 'node:url';",
  'const require = makeRequire(import.meta.url);',
  'const __filename = toPath(import.meta.url);',
  'const __dirname = import.meta.dirname;',
].join(' ');

/** `status-M3QK7Z2A.js` and its map, of this build or an earlier one. */
const CHUNK = /-[A-Z0-9]{8}\.js(\.map)?$/;

/** Writes main.js and its chunks; those of an earlier build go, since their names would never be written again. */
export async function bundleCli(outdir: string): Promise<void> {
  const old = (await readdir(outdir).catch(() => [])).filter(name => CHUNK.test(name));
  await Promise.all(old.map(name => rm(path.join(outdir, name))));
  await build({
    absWorkingDir: folder,
    entryPoints: ['controller/cli/main.ts'],
    outdir,
    // Beside the entry: what looks for files from its own place finds them as before.
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    external: OUTSIDE,
    plugins: [precompiled],
    // What CommonJS packages inside take for granted.
    banner: { js: COMMON_JS },
    logLevel: 'warning',
  });
}

if (process.argv[1] === import.meta.filename) await bundleCli('dist/controller/cli');
