/**
 * The programs as `npm run build` makes them, for tests that start them as processes: what is tested is what is installed,
 * and a start takes a third of what the sources take. Built when a test asks for one, and again when a source has changed.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const SOURCES = [
  'agent',
  'controller',
  'schemas',
  'scripts/build.ts',
  'scripts/precompile.ts',
  'package-lock.json',
];
const CACHE = path.join(root, 'node_modules/.cache/programs');

function filesIn(place: string): string[] {
  if (path.extname(place) !== '') return [place];
  return readdirSync(path.join(root, place), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** Names the sources by their content, so that nothing that is older than they are is ever run. */
function keyOfSources(): string {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap(filesIn))
    hash.update(`${file}\n`).update(readFileSync(path.join(root, file)));
  return hash.digest('hex').slice(0, 16);
}

const DAY_MS = 86_400_000;

/** Builds of other states of the sources, which nobody has started for a day. */
function forgetOld(): void {
  for (const name of readdirSync(CACHE)) {
    const place = path.join(CACHE, name);
    const { mtimeMs } = statSync(place, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > DAY_MS) rmSync(place, { recursive: true, force: true });
  }
}

/** Other tests may build the same at the same time: the first that is done is taken. */
function builtPrograms(): string {
  const made = path.join(CACHE, keyOfSources());
  if (existsSync(made)) return made;
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(`${made}.`);
  const build = ['--import', 'tsx', path.join(root, 'scripts/build.ts'), path.join(draft, 'dist')];
  execFileSync(process.execPath, build, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  // Programs name the version that lies above them.
  copyFileSync(path.join(root, 'package.json'), path.join(draft, 'package.json'));
  forgetOld();
  try {
    renameSync(draft, made);
  } catch (error) {
    if (!existsSync(made)) throw error;
    rmSync(draft, { recursive: true });
  }
  return made;
}

let programs: string | undefined;

const program = (file: string): string => {
  programs ??= builtPrograms();
  return path.join(programs, 'dist', file);
};

/** The file of the controller, to be run by Node. */
export const controllerProgram = (): string => program('controller/main.js');
/** The file of `ota`. */
export const otaProgram = (): string => program('controller/cli/main.js');
/** The file of `ota-agent`. */
export const agentProgram = (): string => program('agent/main.js');
