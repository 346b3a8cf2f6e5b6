/**
 * Parses without delaying update checks. A small tree is parsed in this process. A larger tree, which a pull request
 * could make slow, is parsed in a separate process with low priority and limits on time and memory: even a tree within
 * all size limits can cost a minute of CPU.
 */
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { Fault } from '../domain/fault.ts';
import type { Finding, Problem } from '../domain/problem.ts';
import type { Rollout } from '../domain/release.ts';
import { ROLLOUT_FILE } from '../domain/rules/index.ts';
import type { RuleTimes } from '../domain/rules/times.ts';
import type { Standing } from '../domain/standing.ts';
import type { RolloutVersion, SourceFile } from '../ports/index.ts';
import type { ParsedState } from './parse.ts';
import { type ParseAnswer, type ParseJob, runJob } from './parse-job.ts';

export interface ApartOptions {
  /** For one tree. */
  readonly limitMs?: number;
  /** Heap for one tree. */
  readonly memoryMib?: number;
  /** Trees up to this size are parsed in this process. The worst of them cost about 10 ms per KiB. */
  readonly inlineBytes?: number;
}

type Tree = { readonly files: readonly SourceFile[] };

/** Each method rejects with Fault `parser_failed` if the process does not start or dies, and `parser_closed` after `close`. */
export interface ApartParser {
  /** Like `parseState`. A tree that exceeds the limits gets the problem `too_complex`. */
  parse(tree: Tree, base: Standing | undefined, times: RuleTimes): Promise<ParsedState>;
  /** Undefined if it does not parse. */
  parseRollout(version: RolloutVersion): Promise<Rollout | undefined>;
  place(tree: Tree, findings: readonly Finding[]): Promise<Problem[]>;
  /** Ends all running jobs. */
  close(): Promise<void>;
}

const LIMIT_MS = 30_000;
const INLINE_BYTES = 8 * 1024;
const MEMORY_MIB = 512;
/** Next to this file, in the source tree and in a build. */
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

  /** Resolves to `given up` if the job exceeds its limit of time or memory. */
  async function inProcess(job: ParseJob): Promise<unknown> {
    if (closed) throw new Fault('parser_closed', 'the controller is stopping', { retry: 'backoff' });
    const child = fork(PROGRAM, {
      serialization: 'advanced',
      env: {}, // a process that parses untrusted text must not see the settings of this one
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
        formerCurrents: base.formerCurrents,
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
      throw new Fault('parser_failed', 'finding the lines of the problems in these files takes too long', {
        retry: 'backoff',
      });
    },
    close: async () => {
      closed = true;
      for (const child of children) child.kill('SIGKILL');
    },
  };
}
