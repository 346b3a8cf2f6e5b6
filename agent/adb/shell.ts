/** The `adb` program: one call at a time, bounded in time and output, its failures told by code. */
import { execFile } from 'node:child_process';
import { Fault } from '../../controller/domain/fault.ts';

export interface AdbTarget {
  readonly serial: string;
  readonly adbPath: string;
}

const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;
export const DUMP_TIMEOUT_MS = 30_000;
export const PUSH_TIMEOUT_MS = 10 * 60_000;
export const INSTALL_TIMEOUT_MS = 10 * 60_000;

interface Output {
  readonly text: string;
  readonly exitCode: number;
}

/**
 * Runs `adb -s SERIAL …`. Exit codes of the device's own programs are told, not judged: old devices always say 0.
 * Faults: `adb_missing`, `adb_timeout`, `adb_unreachable` (offline, unauthorized, gone).
 */
export function adb(target: AdbTarget, args: readonly string[], timeoutMs: number): Promise<Output> {
  return new Promise((resolve, reject) => {
    const options = { timeout: timeoutMs, maxBuffer: MAX_OUTPUT_BYTES, killSignal: 'SIGKILL' } as const;
    execFile(target.adbPath, ['-s', target.serial, ...args], options, (error, stdout, stderr) => {
      const text = `${stdout}${stderr}`;
      if (error === null) return resolve({ text, exitCode: 0 });
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
      resolve({ text, exitCode: typeof error.code === 'number' ? error.code : 1 });
    });
  });
}

/** One word of a remote shell, whatever is in it. */
export const quoted = (word: string): string =>
  /^[A-Za-z0-9_./:=@~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

export const shell = async (
  target: AdbTarget,
  words: readonly string[],
  timeoutMs = DUMP_TIMEOUT_MS,
): Promise<string> => (await adb(target, ['shell', words.map(quoted).join(' ')], timeoutMs)).text;
