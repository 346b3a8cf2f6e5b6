/**
 * Parses where it cannot hold up a check. A small tree is parsed at once. Anything larger, and so anything that a pull
 * request could make slow, is parsed in a process of its own with low priority and limits on time and memory, because
 * a tree within all size limits can still cost a minute of CPU.
 */
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { Fault } from '../domain/fault.ts';
import type { Finding, Problem } from '../domain/problem.ts';
import type { Rollout } from '../domain/release.ts';
import { ROLLOUT_FILE, type RuleTimes } from '../domain/rules/index.ts';
import type { Standing } from '../domain/standing.ts';
import type { RolloutVersion, SourceFile } from '../ports/index.ts';
import type { ParsedState } from './parse.ts';
import { type ParseAnswer, type ParseJob, runJob } from './parse-job.ts';

export interface ApartOptions {
  /** For one tree. */
  readonly limitMs?: number;
  /** Heap for one tree. */
  readonly memoryMib?: number;
  /** Trees of at most so many bytes are parsed at once; the worst of them cost some 10 ms per KiB. */
  readonly inlineBytes?: number;
}

type Tree = { readonly files: readonly SourceFile[] };

/** Each rejects with Fault `parser_failed` when no process can be had or it dies, `parser_closed` after the end. */
export interface ApartParser {
  /** As `parseState`; a tree that costs too much is a problem `too_complex`. */
  parse(tree: Tree, base: Standing | undefined, times: RuleTimes): Promise<ParsedState>;
  /** Undefined when it does not parse. */
  parseRollout(version: RolloutVersion): Promise<Rollout | undefined>;
  place(tree: Tree, findings: readonly Finding[]): Promise<Problem[]>;
  /** Ends what is under way. */
  close(): Promise<void>;
}

const LIMIT_MS = 30_000;
const INLINE_BYTES = 8 * 1024;
const MEMORY_MIB = 512;
/** Beside this file, as it runs: from source or built. */
const PROGRAM = path.join(import.meta.dirname, `parse-process${path.extname(import.meta.filename)}`);

const bytesOf = (files: readonly SourceFile[]): number =>
  files.reduce((sum, file) => sum + file.path.length + ('content' in file ? file.content.length : 0), 0);

function tooComplex(limitMs: number, memoryMib: number): ParsedState {
  const problem: Problem = {
    severity: 'error',
    code: 'too_complex',
    file: ROLLOUT_FILE,
    line: 1,
    column: 1,
    path: '',
    message: `reading these files takes more than ${limitMs / 1000} s or ${memoryMib} MiB of memory`,
    hint: 'look for deep nesting and very long lists in the changed files',
  };
  return { state: undefined, problems: [problem] };
}

export function apartParser(options: ApartOptions = {}): ApartParser {
  const { limitMs = LIMIT_MS, inlineBytes = INLINE_BYTES, memoryMib = MEMORY_MIB } = options;
  const children = new Set<ChildProcess>();
  let closed = false;

  /** `given up`: over its time or its memory. */
  async function inProcess(job: ParseJob): Promise<unknown> {
    if (closed) throw new Fault('parser_closed', 'the controller is stopping', { retry: 'backoff' });
    const child = fork(PROGRAM, {
      serialization: 'advanced',
      env: {}, // what parses foreign text must not see the settings of this process
      execArgv: [...process.execArgv, `--max-old-space-size=${memoryMib}`],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    children.add(child);
    try {
      return await answerOf(child, job);
    } finally {
      children.delete(child);
      child.kill('SIGKILL');
    }
  }

  function answerOf(child: ChildProcess, job: ParseJob): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (cause?: Error): void =>
        reject(new Fault('parser_failed', 'the parser ended without an answer', { retry: 'backoff', cause }));
      const late = setTimeout(() => resolve('given up'), limitMs);
      child.once('message', message => resolve((message as { answer: unknown }).answer));
      child.once('error', fail);
      child.once('exit', (_code, signal) => {
        clearTimeout(late);
        // V8 aborts itself when its memory is used up.
        if (signal === 'SIGABRT' || signal === 'SIGTRAP') resolve('given up');
        else fail();
      });
      child.once('spawn', () => {
        child.send(job, error => void (error === null || fail(error)));
      });
    });
  }

  async function run<J extends ParseJob>(job: J): Promise<ParseAnswer[J['ask']] | 'given up'> {
    const answer = bytesOf(job.files) <= inlineBytes ? runJob(job) : await inProcess(job);
    return answer as ParseAnswer[J['ask']] | 'given up';
  }

  return {
    parse: async ({ files }, base, times) => {
      // Copy only what the process needs.
      const known = base && {
        state: base.state,
        progress: base.progress,
        stood: base.stood,
        formerBuilds: base.formerBuilds,
      };
      const parsed = await run({ ask: 'state', files, base: known, times });
      return parsed === 'given up' ? tooComplex(limitMs, memoryMib) : parsed;
    },
    parseRollout: async ({ content }) => {
      const rollout = await run({ ask: 'rollout', files: [{ path: ROLLOUT_FILE, content }] });
      return rollout === 'given up' ? undefined : rollout;
    },
    place: async ({ files }, findings) => {
      if (findings.length === 0) return [];
      const placed = await run({ ask: 'places', files, findings });
      if (placed !== 'given up') return placed;
      throw new Fault('parser_failed', 'placing problems in these files takes too long', {
        retry: 'backoff',
      });
    },
    close: async () => {
      closed = true;
      for (const child of children) child.kill('SIGKILL');
    },
  };
}
