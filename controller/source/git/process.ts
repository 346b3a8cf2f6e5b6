/** Runs one Git process: gives it input, reads its output, and kills it if it takes too long. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Fault } from '../../domain/fault.ts';

export interface GitRun {
  readonly args: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Standard input; empty by default. */
  readonly input?: string | undefined;
  readonly timeoutMs: number;
  /** Ends the process early. */
  readonly signal?: AbortSignal | undefined;
}

export interface GitEnd {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export type RunGit = (run: GitRun) => Promise<GitEnd>;

/** The source was stopped, or is stopping. */
export const stopped = (): Fault =>
  new Fault('source_stopped', 'the source was stopped', { retry: 'backoff' });

const KILL_AFTER_MS = 5_000;

/** Faults `git_missing`, `git_unstartable`, `git_killed`, `source_timeout`, `source_stopped`; an exit code other than 0 is an answer. */
export const runGit: RunGit = run =>
  new Promise((resolve, reject) => {
    const child = spawn('git', [...run.args], {
      cwd: run.folder,
      env: run.env,
      windowsHide: true,
      // A separate process group, so that Git's helpers end with it. Otherwise the pipes would stay open.
      detached: true,
    });
    // This must come first: without a listener, a child that cannot be started would end this process.
    child.once('error', error => {
      clearTimeout(timer);
      reject(notStarted(error, run.folder));
    });
    let ended: Fault | undefined;
    let killing: NodeJS.Timeout | undefined;
    const end = (why: Fault): void => {
      ended ??= why;
      // On SIGTERM Git removes its lock files.
      signalGroup(child, 'SIGTERM');
      killing ??= setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_AFTER_MS);
    };
    const stop = (): void => end(stopped());
    const timer = setTimeout(
      () => end(new Fault('source_timeout', 'Git did not finish in time', { retry: 'backoff' })),
      run.timeoutMs,
    );
    run.signal?.addEventListener('abort', stop, { once: true });
    if (run.signal?.aborted === true) stop();
    const out = collected(child.stdout);
    const err = collected(child.stderr);
    feed(child, run.input);
    child.once('close', (exitCode, signal) => {
      clearTimeout(timer);
      clearTimeout(killing);
      run.signal?.removeEventListener('abort', stop);
      if (ended !== undefined) reject(ended);
      else if (exitCode === null)
        reject(new Fault('git_killed', `Git was ended by ${signal ?? 'a signal'}`, { retry: 'backoff' }));
      else resolve({ exitCode, stdout: Buffer.concat(out), stderr: Buffer.concat(err) });
    });
  });

/** Git and the helpers that it started. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return; // it never started
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has ended meanwhile
  }
}

/** If no file descriptors were left, the child has no streams, although the types say so. */
function collected(stream: NodeJS.ReadableStream | null | undefined): Buffer[] {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => void chunks.push(chunk));
  return chunks;
}

function feed({ stdin }: ChildProcess, input: string | undefined): void {
  // Git may exit before it has read all input. Its exit code says more than the broken pipe.
  stdin?.on('error', () => undefined);
  stdin?.end(input);
}

export function notStarted(error: NodeJS.ErrnoException, folder: string): Fault {
  const options = { retry: 'backoff', cause: error } as const;
  if (error.code === 'ENOENT' && existsSync(folder))
    return new Fault('git_missing', 'the git program was not found: install it or correct PATH', options);
  if (error.code === 'ENOENT')
    return new Fault('mirror_unusable', 'the folder of the mirror is missing', options);
  const why =
    error.code === 'EMFILE' || error.code === 'ENFILE'
      ? 'too many open files'
      : (error.code ?? 'unknown error');
  return new Fault('git_unstartable', `git cannot be started: ${why}`, options);
}
