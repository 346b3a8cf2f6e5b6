/**
 * Builds the installed programs: each is a few files instead of hundreds, with its schemas already compiled. A start then
 * reads and compiles less than half as much. Rarely used parts are separate chunks. Native packages and packages that are
 * loaded on demand stay outside. Types are checked by `npm run check`, not here.
 */
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { precompiled } from './precompile.ts';

const root = path.resolve(import.meta.dirname, '..');

const COMMON_JS = [
  "import { createRequire as makeRequire } from 'node:module';",
  "import { fileURLToPath as toPath } from 'node:url';",
  'const require = makeRequire(import.meta.url);',
  'const __filename = toPath(import.meta.url);',
  'const __dirname = import.meta.dirname;',
].join(' ');

/** Knex itself loads the driver that the settings name. */
const OTHER_DRIVERS = [
  'better-sqlite3',
  'mariadb/*',
  'mysql',
  'mysql2',
  'oracledb',
  'tedious',
  'pg-query-stream',
];
const ON_DEMAND = [
  '@aws-sdk/client-s3',
  'firebase-admin',
  'openid-client',
  'pg',
  'pino',
  'pino-pretty',
  'sqlite3',
];

interface Program {
  /** Below the output, with all chunks beside the entry: what looks for files from its own place finds them. */
  readonly folder: string;
  /** Sources by the name of what is made of them. */
  readonly entries: Readonly<Record<string, string>>;
  readonly outside: readonly string[];
}

const CONTROLLER: Program = {
  folder: 'controller',
  entries: {
    main: 'controller/main.ts',
    // Programs of their own, which the controller starts.
    'launcher-process': 'controller/source/git/launcher-process.ts',
    'parse-process': 'controller/yaml/parse-process.ts',
  },
  outside: [...ON_DEMAND, ...OTHER_DRIVERS],
};

const OTA: Program = {
  folder: 'controller/cli',
  entries: { main: 'controller/cli/main.ts' },
  // Loaded by one verb each: backup, restore, --open-pr.
  outside: [...ON_DEMAND, 'knex', 'tar', '@octokit/*', 'bottleneck', 'prom-client'],
};

const AGENT: Program = { folder: 'agent', entries: { main: 'agent/main.ts' }, outside: [] };

const bundle = ({ folder, entries, outside }: Program, out: string, more: BuildOptions = {}) =>
  build({
    absWorkingDir: root,
    entryPoints: { ...entries },
    outdir: path.join(out, folder),
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    external: [...outside],
    plugins: [precompiled],
    // Globals that the CommonJS packages inside expect.
    banner: { js: COMMON_JS },
    logLevel: 'warning',
    ...more,
  });

/** The controller with its pages' assets: `controller/main.js`. */
export async function buildController(out: string): Promise<void> {
  await bundle(CONTROLLER, out);
  await cp(path.join(root, 'controller/dashboard/assets'), path.join(out, 'controller/assets'), {
    recursive: true,
  });
}

/** `controller/cli/main.js`. */
export const buildCli = (out: string): Promise<unknown> => bundle(OTA, out);

/** `agent/main.js`. */
export const buildAgent = (out: string): Promise<unknown> => bundle(AGENT, out);

if (process.argv[1] === import.meta.filename) {
  const out = process.argv[2] ?? 'dist';
  // Chunks have other names with each build.
  await rm(out, { recursive: true, force: true });
  await Promise.all([buildController(out), buildCli(out), buildAgent(out)]);
}
