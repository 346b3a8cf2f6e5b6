/** Processes pinned to one core each, and their CPU time and memory from /proc, where it exists. */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** Linux shows times to programs in 1/100 s, whatever the kernel ticks at. */
const TICKS_PER_S = 100;
const STOP_MS = 15_000;

export interface Cores {
  readonly server: number;
  readonly load: number;
}

/** Undefined where processes cannot be pinned to two different cores. */
export function twoCores(): Cores | undefined {
  if (!onPath('taskset') || !existsSync('/proc/self/status')) return undefined;
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const [server, load] = list.split(',').flatMap(part => {
    const [from = 0, to = from] = part.split('-').map(Number);
    return Array.from({ length: Math.min(2, to - from + 1) }, (_, i) => from + i);
  });
  return server === undefined || load === undefined ? undefined : { server, load };
}

/** Debian keeps servers in /usr/sbin, which is not on every user's path. */
const folders = (): string[] => [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];

export function onPath(name: string): string | undefined {
  return folders()
    .map(folder => `${folder}/${name}`)
    .find(file => existsSync(file));
}

const pinnedCommand = (core: number | undefined, command: string, args: readonly string[]) =>
  core === undefined
    ? { file: command, args: [...args] }
    : { file: 'taskset', args: ['-c', String(core), command, ...args] };

/** Runs to its end on one core; its standard output. */
export async function runPinned(
  core: number | undefined,
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; timeoutMs: number },
): Promise<string> {
  const { file, args: all } = pinnedCommand(core, command, args);
  const ran = await promisify(execFile)(file, all, {
    env: { ...process.env, ...options.env },
    timeout: options.timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: 16 * 1_048_576,
  });
  return ran.stdout;
}

export interface Server {
  readonly url: string;
  /** CPU time of all its threads so far; undefined without /proc. */
  cpuSeconds(): number | undefined;
  /** Resident memory now and at its highest, in MiB. */
  memoryMiB(): { now: number; peak: number } | undefined;
  stop(): Promise<void>;
}

/** `ready` finds the server's URL once it answers. If it does not answer, the server is stopped. */
export async function startPinned(
  core: number | undefined,
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  ready: (child: ChildProcess) => Promise<string>,
): Promise<Server> {
  const pinned = pinnedCommand(core, command, args);
  const child = spawn(pinned.file, pinned.args, options);
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return ended;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  };
  try {
    const died = ended.then(() => {
      throw new Error(`${command} ended before it listened`);
    });
    died.catch(() => undefined); // after it listened, its end is what stop waits for
    const url = await Promise.race([ready(child), died]);
    const { pid } = child;
    return {
      url,
      cpuSeconds: () => (pid === undefined ? undefined : cpuSecondsOf(pid)),
      memoryMiB: () => (pid === undefined ? undefined : memoryOf(pid)),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function cpuSecondsOf(pid: number): number | undefined {
  if (!existsSync(`/proc/${pid}/stat`)) return undefined;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces; utime and stime are fields 14 and 15 (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

function memoryOf(pid: number): { now: number; peak: number } | undefined {
  if (!existsSync(`/proc/${pid}/status`)) return undefined;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024);
  return { now: of('VmRSS'), peak: of('VmHWM') };
}
