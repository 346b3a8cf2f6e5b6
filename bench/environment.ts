/** What every section uses: a temporary folder and the program as `npm run build` makes it. */
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { buildController } from '../scripts/build.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

export interface BenchEnvironment {
  readonly folder: string;
  /** A compiled file, named by its place in the sources. */
  program(source: string): string;
  close(): Promise<void>;
}

/**
 * Builds the working tree into its own folder, so that the measured program is the present one and not an older `dist`,
 * built as it is installed.
 */
export async function openBenchEnvironment(): Promise<BenchEnvironment> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-bench-'));
  const code = path.join(folder, 'code');
  try {
    mkdirSync(code);
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(code, 'node_modules'));
    copyFileSync(path.join(ROOT, 'package.json'), path.join(code, 'package.json'));
    await buildController(code);
    await build({
      absWorkingDir: ROOT,
      entryPoints: ['bare-server', 'paced-load', 'burst-load', 'autocannon-load'].map(
        name => `bench/${name}.ts`,
      ),
      outdir: path.join(code, 'bench'),
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      target: 'node20',
    });
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
