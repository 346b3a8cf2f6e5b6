/** `ota status -w`: checks until the rollout is done, the time is over or waiting is pointless. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../domain/fault.ts';
import type { Client } from './client.ts';
import { type Begun, type FailLimit, type Verdict, verdictOf } from './goal.ts';
import { EXIT, type ExitCode, type Io } from './io.ts';
import { type Awaited, awaitRevision } from './merged.ts';
import { visibleLine } from './problem-formats.ts';
import type { RolloutOnWire } from './rollout-wire.ts';
import { makePicture, type Picture } from './status-picture.ts';

export interface WatchOptions {
  readonly revision?: string;
  readonly target: number;
  readonly minSeen: number;
  readonly failOn?: FailLimit;
  readonly timeout?: number;
  readonly interval?: number;
  readonly json?: boolean;
}

const INTERVAL_MS = 5_000;

/** Waits through temporary errors, such as a restart or an overload. */
export async function runWatch(client: Client, options: WatchOptions, io: Io): Promise<ExitCode> {
  const awaited = options.revision === undefined ? undefined : await awaitRevision(options.revision, io);
  const interval = options.interval ?? INTERVAL_MS;
  const deadline = options.timeout === undefined ? undefined : performance.now() + options.timeout;
  const look = makeLook(client, options, awaited, io);
  const shown = makeShown(options, io);
  for (;;) {
    const { verdict, now } = await look();
    shown.show(verdict, now);
    if (verdict.state === 'reached') return shown.end(EXIT.fine, 'done', verdict.why);
    if (verdict.state === 'halted') return shown.end(EXIT.halted, 'halted', verdict.why);
    const left = deadline === undefined ? interval : deadline - performance.now();
    if (left <= 0) return shown.end(EXIT.timeout, 'timeout', verdict.why);
    if (!(await pause(Math.min(left, interval), io.interrupted)))
      return shown.end(EXIT.interrupted, 'interrupted', verdict.why);
  }
}

interface Look {
  readonly verdict: Verdict;
  /** Undefined if the controller could not be asked. */
  readonly now: RolloutOnWire | undefined;
}

/** Waits through a temporary Fault and throws any other. */
function makeLook(
  client: Client,
  options: WatchOptions,
  awaited: Awaited | undefined,
  io: Io,
): () => Promise<Look> {
  const watched = { targetPercent: options.target, minSeenPercent: options.minSeen, failOn: options.failOn };
  let begun: Begun | undefined;
  return async () => {
    try {
      const now = (await client.call({ path: '/v1/rollout' })).json as RolloutOnWire;
      const until = await awaited?.(now);
      if (until !== undefined) return { verdict: until, now };
      const verdict = verdictOf(now, begun, watched, io.nowMs());
      const { progress } = now;
      if (progress !== undefined && progress !== null && progress.revision === now.revision)
        begun ??= { buildId: progress.build_id, kind: progress.kind };
      return { verdict, now };
    } catch (error) {
      if (!(error instanceof Fault) || error.retry === 'never') throw error;
      const why = error.message.split('\n')[0] ?? error.code;
      return { verdict: { state: 'waiting', why }, now: undefined };
    }
  };
}

interface Shown {
  show(verdict: Verdict, now: RolloutOnWire | undefined): void;
  end(code: ExitCode, word: string, why: string): ExitCode;
}

/** Prints a curve on a terminal, one line per change in a pipe, or one JSON object per look. */
function makeShown({ json, target }: WatchOptions, io: Io): Shown {
  let picture: Picture | undefined;
  let told = '';
  return {
    show: (verdict, now) => {
      const { state, why } = verdict;
      if (json === true) {
        if (now !== undefined) io.out(`${JSON.stringify(lineOf(verdict, now, target, io.nowMs()))}\n`);
        return;
      }
      if (io.terminal && now?.progress) {
        picture ??= makePicture(io);
        picture.show(now, why);
      } else if (state === 'waiting' && why !== told && picture === undefined)
        io.err(`${visibleLine(why)}\n`);
      told = why;
    },
    end: (code, word, why) => {
      io.err(`${word}: ${visibleLine(why)}\n`);
      return code;
    },
  };
}

function lineOf({ state, why }: Verdict, now: RolloutOnWire, target: number, nowMs: number) {
  const progress = now.progress ?? undefined;
  return {
    at: new Date(nowMs).toISOString(),
    revision: now.revision,
    current: now.rollout?.current ?? null,
    percent: now.exposure?.effective_percent ?? null,
    build_id: progress?.build_id ?? null,
    kind: progress?.kind ?? null,
    exposed: progress?.exposed ?? null,
    seen: progress?.seen ?? null,
    offered: progress?.offered ?? null,
    running: progress?.running ?? null,
    wanted: progress === undefined ? null : Math.ceil((progress.offered * target) / 100),
    state,
    why,
  };
}

/** False if it was interrupted. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
