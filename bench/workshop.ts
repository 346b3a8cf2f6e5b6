/** What every section works with: a temporary folder, the program compiled as `npm run build` does, and its rivals. */
import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(import.meta.dirname, '..');

export interface Workshop {
  readonly folder: string;
  /** A compiled file, named by its place in the sources. */
  program(source: string): string;
  close(): Promise<void>;
}

/**
 * Compiles the working tree into a folder of its own: what is measured is what is there, not an older `dist`, and
 * as plain JavaScript, without a loader in between.
 */
export async function openWorkshop(): Promise<Workshop> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-bench-'));
  const code = path.join(folder, 'code');
  try {
    mkdirSync(path.join(code, 'schemas'), { recursive: true });
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(code, 'node_modules'));
    for (const file of ['package.json', 'schemas/openapi.yaml'])
      copyFileSync(path.join(ROOT, file), path.join(code, file));
    const assets = 'controller/dashboard/assets';
    cpSync(path.join(ROOT, assets), path.join(code, assets), { recursive: true });
    await compile(path.join(folder, 'tsconfig.json'), code);
    return {
      folder,
      program: source => path.join(code, source.replace(/\.ts$/, '.js')),
      close: () => rm(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function compile(config: string, outDir: string): Promise<void> {
  const sources = ['controller', 'bench/bare-server.ts', 'bench/paced-load.ts', 'bench/autocannon-load.ts'];
  writeFileSync(
    config,
    JSON.stringify({
      extends: path.join(ROOT, 'tsconfig.build.json'),
      compilerOptions: {
        rootDir: ROOT,
        outDir,
        sourceMap: false,
        typeRoots: [path.join(ROOT, 'node_modules', '@types')],
      },
      include: sources.map(name => path.join(ROOT, name)),
    }),
  );
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  try {
    await promisify(execFile)(process.execPath, [tsc, '-p', config], { cwd: ROOT });
  } catch (cause) {
    // The compiler writes its output in spite of type errors; a measurement of such a tree should say so.
    if (!existsSync(path.join(outDir, 'controller', 'main.js')))
      throw new Error('the sources do not compile', { cause });
    process.stderr.write('bench: the sources have type errors; measured all the same\n');
  }
}
