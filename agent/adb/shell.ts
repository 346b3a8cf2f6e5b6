/** The `adb` program: one call at a time, bounded in time and output; failures are Faults with a code. */
import { execFile } from 'node:child_process';
import { MINUTE_MS } from '../../controller/domain/duration.ts';
import { Fault } from '../../controller/domain/fault.ts';

export interface AdbTarget {
  readonly serial: string;
  readonly adbPath: string;
}

const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;
const DUMP_TIMEOUT_MS = 30_000;
export const PUSH_TIMEOUT_MS = 10 * MINUTE_MS;
export const INSTALL_TIMEOUT_MS = 10 * MINUTE_MS;

interface Output {
  /** Output of the device's program, without adb's messages about its own daemon. */
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** `* daemon not running; starting now at tcp:5037`: an old adb prints this on standard output before the answer. */
const withoutNotices = (text: string): string => text.replace(/^\* daemon .*\r?\n/gm, '');

/**
 * Runs `adb -s SERIAL …`. Returns exit codes of the device's programs unchecked, because old devices always return 0.
 * Faults: `adb_missing`, `adb_timeout`, `adb_unreachable` (offline, unauthorized, gone).
 */
export function adb(target: AdbTarget, args: readonly string[], timeoutMs: number): Promise<Output> {
  return new Promise((resolve, reject) => {
    const options = { timeout: timeoutMs, maxBuffer: MAX_OUTPUT_BYTES, killSignal: 'SIGKILL' } as const;
    execFile(target.adbPath, ['-s', target.serial, ...args], options, (error, said, complained) => {
      const [stdout, stderr] = [withoutNotices(said), withoutNotices(complained)];
      if (error === null) return resolve({ stdout, stderr, exitCode: 0 });
      if (error.code === 'ENOENT')
        return reject(
          new Fault('adb_missing', `cannot run ${target.adbPath}: is adb installed and on the PATH?`, {
            retry: 'never',
          }),
        );
      if (error.killed === true)
        return reject(
          new Fault('adb_timeout', `adb ${args[0]} took over ${timeoutMs / 1000} s`, { retry: 'backoff' }),
        );
      const line =
        /^(?:adb: |error: ).*(?:not found|offline|unauthorized|no devices|closed|protocol fault).*$/m.exec(
          stderr,
        )?.[0];
      if (line !== undefined)
        return reject(new Fault('adb_unreachable', line.slice(0, 200), { retry: 'backoff' }));
      resolve({ stdout, stderr, exitCode: typeof error.code === 'number' ? error.code : 1 });
    });
  });
}

/** Quotes a word for the remote shell. */
export const quoted = (word: string): string =>
  /^[A-Za-z0-9_./:=@~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

const run = (target: AdbTarget, words: readonly string[], timeoutMs: number): Promise<Output> =>
  adb(target, ['shell', words.map(quoted).join(' ')], timeoutMs);

/** Standard output of the device's program. */
export const shell = async (
  target: AdbTarget,
  words: readonly string[],
  timeoutMs = DUMP_TIMEOUT_MS,
): Promise<string> => (await run(target, words, timeoutMs)).stdout;

/** Standard output and standard error, where some failures appear. */
export async function shellWithErrors(
  target: AdbTarget,
  words: readonly string[],
  timeoutMs = DUMP_TIMEOUT_MS,
): Promise<string> {
  const { stdout, stderr } = await run(target, words, timeoutMs);
  return `${stdout}\n${stderr}`;
}
