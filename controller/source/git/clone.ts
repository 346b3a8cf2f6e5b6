/**
 * The first clone. It first tries to fetch everything. If that times out or the connection breaks, it continues in steps
 * of some commits and keeps the result of each step for the next try. The clone is not read before it is complete.
 */
import { mkdir, rm } from 'node:fs/promises';
import { Fault } from '../../domain/fault.ts';
import { type GitCommand, GitExit } from './command.ts';

/** The progress of the first clone. */
export interface CloneStep {
  readonly commits: number;
  readonly whole: boolean;
}

interface CloneOptions {
  /** The folder of the clone. An incomplete clone stays there. */
  readonly folder: string;
  /** Git commands in that folder that contact no host. */
  readonly git: GitCommand;
  /** Fetches the branch into `ref`, with these additional options. */
  readonly fetch: (more: readonly string[]) => Promise<string>;
  readonly ref: string;
  readonly onStep: (step: CloneStep) => void;
}

const FIRST_STEP = 64;

/** The command took too long or the connection was cut, so smaller pieces may work. */
const isTooMuch = (error: unknown): boolean =>
  error instanceof Fault
    ? error.code === 'source_timeout'
    : error instanceof GitExit &&
      /RPC failed|early EOF|hung up|transfer closed|timed out|too slow|empty reply|connection reset|expected .*, received/i.test(
        error.output,
      );

/** Throws GitExit and the Faults of the command. */
export async function firstClone(options: CloneOptions): Promise<void> {
  if (await isBegun(options)) return deepen(options);
  try {
    await fetchAnew(options, []);
  } catch (error) {
    if (!isTooMuch(error)) throw error;
    await fetchAnew(options, ['--depth=1']);
    await reportStep(options);
    await deepen(options);
  }
}

const isShallow = async ({ git }: CloneOptions): Promise<boolean> =>
  (await git.text(['rev-parse', '--is-shallow-repository'])).trim() === 'true';

/** Whether an earlier try has already fetched at least one commit. */
async function isBegun(options: CloneOptions): Promise<boolean> {
  const { git, ref } = options;
  await mkdir(options.folder, { recursive: true });
  try {
    await git.text(['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{tree}`]);
    return await isShallow(options);
  } catch (error) {
    if (error instanceof GitExit) return false;
    throw error;
  }
}

/** Fetches into an empty repository. It must have the object format of the host; Git reports a difference. */
async function fetchAnew(options: CloneOptions, how: readonly string[]): Promise<void> {
  await makeEmpty(options, 'sha1');
  try {
    await options.fetch(how);
  } catch (error) {
    if (!(error instanceof GitExit) || !/mismatched algorithms/i.test(error.output)) throw error;
    await makeEmpty(options, 'sha256');
    await options.fetch(how);
  }
}

async function makeEmpty({ folder, git }: CloneOptions, format: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await git.text(['init', '--quiet', '--bare', `--object-format=${format}`, '--', folder]);
}

async function reportStep({ git, ref, onStep }: CloneOptions, whole = false): Promise<void> {
  onStep({ commits: Number(await git.text(['rev-list', '--count', ref])), whole });
}

async function deepen(options: CloneOptions): Promise<void> {
  let step = FIRST_STEP;
  while (await isShallow(options)) {
    try {
      await options.fetch([`--deepen=${step}`]);
      await reportStep(options);
      step *= 2;
    } catch (error) {
      if (!isTooMuch(error) || step === 1) throw error;
      step = Math.max(1, Math.floor(step / 4));
    }
  }
  await reportStep(options, true);
}
