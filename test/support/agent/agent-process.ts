/** `ota-agent` as a process of its own: what it prints, what it is told, and how it dies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { agentProgram } from '../programs.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');

export type Line = { readonly event: string; readonly [field: string]: unknown };

export interface AgentProcess {
  readonly folder: string;
  readonly lines: Line[];
  readonly errors: string[];
  tell(command: unknown): void;
  /** The first line of this event after `from` lines, within the time limit. */
  until(event: string, from?: number): Promise<Line>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same folder. */
  start(): void;
  exit(): Promise<number | null>;
}

export interface ProcessOptions {
  readonly url: string;
  readonly deviceId: string;
  readonly token: string;
  readonly nudgeKey?: Buffer | string;
  readonly args?: readonly string[];
  /** What Node runs; default: the agent of this version. */
  readonly program?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const LIMIT_MS = 30_000;

export async function poll<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  limitMs = LIMIT_MS,
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`gave up waiting for ${what}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

export async function withAgentProcess(
  options: ProcessOptions,
  run: (agent: AgentProcess) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-agent-process-'));
  const tokenFile = path.join(folder, 'token');
  const keyFile = path.join(folder, 'nudge-key');
  await writeFile(tokenFile, `${options.token}\n`, { mode: 0o600 });
  await writeFile(
    keyFile,
    options.nudgeKey === undefined
      ? Buffer.alloc(32).toString('hex')
      : Buffer.isBuffer(options.nudgeKey)
        ? options.nudgeKey.toString('base64')
        : options.nudgeKey,
  );
  let child: ChildProcess | undefined;
  const agent: AgentProcess = {
    folder,
    lines: [],
    errors: [],
    tell: command => child?.stdin?.write(`${JSON.stringify(command)}\n`),
    until: (event, from = 0) =>
      poll(
        `${event} from the agent; it said ${JSON.stringify(agent.lines.slice(-5))} ${agent.errors.join('')}`,
        () => agent.lines.slice(from).find(line => line.event === event),
      ),
    async kill(signal = 'SIGKILL') {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    },
    async exit() {
      if (child === undefined) throw new Error('not started');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      return child.exitCode;
    },
    start() {
      const args = [
        ...(options.program ?? [agentProgram()]),
        'run',
        '--url',
        options.url,
        '--device',
        options.deviceId,
      ];
      const files = [
        '--token-file',
        tokenFile,
        '--nudge-key-file',
        keyFile,
        '--state',
        path.join(folder, 'state'),
      ];
      child = spawn(process.execPath, [...args, ...files, ...(options.args ?? [])], {
        cwd: ROOT,
        env: { PATH: process.env.PATH, ...options.environment },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      if (child.stdout !== null)
        createInterface({ input: child.stdout }).on('line', text =>
          agent.lines.push(JSON.parse(text) as Line),
        );
      child.stderr?.on('data', chunk => agent.errors.push(String(chunk)));
    },
  };
  agent.start();
  try {
    await run(agent);
  } finally {
    await agent.kill();
    await rm(folder, { recursive: true, force: true });
  }
}
