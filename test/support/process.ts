/** The controller as an operator runs it: a process of its own, its log read from standard output. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { controllerProgram } from './programs.ts';

/** The command that runs it. */
export const CONTROLLER = [process.execPath, controllerProgram()] as const;

export const environmentOf = (
  settings: Readonly<Record<string, string>>,
  home: string,
): Record<string, string> => ({ PATH: process.env.PATH ?? '', HOME: home, OTA_PORT: '0', ...settings });

export interface Running {
  readonly url: string;
  readonly child: ChildProcess;
  readonly stdout: () => string;
  /** Sends the signal and waits for the end; resolves to exit code or signal. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

interface Launched {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<number | NodeJS.Signals>;
}

interface Conditions {
  /** A file descriptor for its log, or `unread` for a pipe that nobody reads. */
  readonly stdout?: number | 'unread';
  /** File descriptors that it may have; as many as this process when left out. */
  readonly descriptors?: number;
}

function launch(
  settings: Readonly<Record<string, string>>,
  cwd: string,
  { stdout, descriptors }: Conditions = {},
): Launched {
  const [node, ...args] = CONTROLLER;
  const limited = ['-c', `ulimit -n ${descriptors} && exec "$0" "$@"`, ...CONTROLLER];
  const [command, given] = descriptors === undefined ? [node, args] : ['sh', limited];
  const child = spawn(command, given, {
    cwd,
    env: environmentOf(settings, cwd),
    stdio: ['ignore', typeof stdout === 'number' ? stdout : 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  if (stdout === undefined)
    child.stdout?.on('data', chunk => {
      output.stdout += String(chunk);
    });
  child.stderr?.on('data', chunk => {
    output.stderr += String(chunk);
  });
  const ended = new Promise<number | NodeJS.Signals>(resolve => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? -1));
  });
  return { child, output, ended };
}

/** Waits until it listens; throws with its own words when it ends before. */
export async function startProcess(
  settings: Readonly<Record<string, string>>,
  cwd: string,
  conditions: Pick<Conditions, 'descriptors'> = {},
): Promise<Running> {
  const { child, output, ended } = launch(settings, cwd, conditions);
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const match = /"event":"ota.start".*?"url":"([^"]+)"/.exec(output.stdout);
      if (match?.[1] !== undefined) resolve(match[1]);
    });
    void ended.then(code => reject(new Error(`ended with ${code}: ${output.stderr}`)));
  });
  return {
    url,
    child,
    stdout: () => output.stdout,
    end: signal => {
      child.kill(signal);
      return ended;
    },
  };
}

/** For a log that cannot be read: waits until it answers on `port`; throws with its own words when it ends before. */
export async function startUnheard(
  settings: Readonly<Record<string, string>>,
  cwd: string,
  port: number,
  stdout: number | 'unread',
): Promise<Running> {
  const { child, output, ended } = launch({ ...settings, OTA_PORT: String(port) }, cwd, { stdout });
  const url = `http://127.0.0.1:${port}`;
  let over: number | NodeJS.Signals | undefined;
  void ended.then(code => {
    over = code;
  });
  while (
    !(await fetch(`${url}/healthz`).then(
      a => a.ok,
      () => false,
    ))
  ) {
    if (over !== undefined) throw new Error(`ended with ${over}: ${output.stderr}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  return {
    url,
    child,
    stdout: () => output.stdout,
    end: signal => {
      child.kill(signal);
      return ended;
    },
  };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** For settings it must refuse: what it said, and with which code it ended. */
export async function refused(
  settings: Readonly<Record<string, string>>,
  cwd: string,
): Promise<{ code: number | string; stderr: string }> {
  const { child, output, ended } = launch(settings, cwd);
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const code = await ended;
  clearTimeout(late);
  return { code, stderr: output.stderr };
}
