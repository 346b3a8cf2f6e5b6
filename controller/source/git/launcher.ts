/**
 * Starts Git from a small process. To start a process, the kernel copies the page tables of its parent. With a million
 * devices in memory that would delay every check by about 40 ms, and each read of the source starts several processes.
 */
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { Fault } from '../../domain/fault.ts';
import type { Answer, Asked } from './launcher-process.ts';
import { type GitEnd, type GitRun, notStarted, type RunGit, stopped } from './process.ts';

export interface Launcher {
  /** Like `runGit`, and also Fault `git_killed` if the small process has ended. */
  readonly run: RunGit;
  /** Ends running commands and the process. */
  close(): void;
}

interface Waiting {
  readonly resolve: (end: GitEnd) => void;
  readonly reject: (fault: Fault) => void;
}

/** Next to this file, in the source tree and in a build. */
const PROGRAM = path.join(import.meta.dirname, `launcher-process${path.extname(import.meta.filename)}`);

/** Arrives as a plain Uint8Array. */
const bytes = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

/** Starts the process at the first run, and again if it has ended. Without work it does not keep this process alive. */
export function makeLauncher(): Launcher {
  const waiting = new Map<number, Waiting>();
  let child: ChildProcess | undefined;
  let asked = 0;
  let closed = false;

  function settle(id: number): Waiting | undefined {
    const found = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) rest();
    return found;
  }

  function rest(): void {
    child?.unref();
    child?.channel?.unref();
  }

  function lost(gone: ChildProcess, why: Fault): void {
    if (child !== gone) return;
    child = undefined;
    for (const id of [...waiting.keys()]) settle(id)?.reject(why);
  }

  function take({ id, ...said }: Answer): void {
    const one = settle(id);
    if ('end' in said) {
      const { exitCode, stdout, stderr } = said.end;
      one?.resolve({ exitCode, stdout: bytes(stdout), stderr: bytes(stderr) });
    } else one?.reject(new Fault(said.fault.code, said.fault.message, { retry: said.fault.retry }));
  }

  function launched(): ChildProcess {
    if (child !== undefined) return child;
    const made = fork(PROGRAM, {
      serialization: 'advanced',
      env: {}, // each run has its own
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // Ctrl-C in a terminal is for the controller, which ends running commands in its own order.
      detached: true,
    });
    child = made;
    made.on('message', message => take(message as Answer));
    made.once('error', error => lost(made, notStarted(error, process.cwd())));
    made.once('exit', () =>
      lost(made, new Fault('git_killed', 'the process that starts Git has ended', { retry: 'backoff' })),
    );
    return made;
  }

  async function run({ signal, ...what }: GitRun): Promise<GitEnd> {
    if (closed || signal?.aborted === true) throw stopped();
    const id = asked++;
    const starter = launched();
    const send = (words: Asked): void => void (starter.connected && starter.send(words));
    const stop = (): void => send({ id, stop: true });
    const ended = new Promise<GitEnd>((resolve, reject) => void waiting.set(id, { resolve, reject }));
    starter.ref();
    starter.channel?.ref();
    signal?.addEventListener('abort', stop, { once: true });
    send({ id, run: what });
    return ended.finally(() => signal?.removeEventListener('abort', stop));
  }

  return {
    run,
    close: () => {
      closed = true;
      if (child?.connected === true) child.disconnect();
    },
  };
}
