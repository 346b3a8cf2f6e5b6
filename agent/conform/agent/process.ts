/** An agent under test that is a program: configured by a setup file, controlled by JSON lines on standard input. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AgentSetup, AgentUnderTest, DeviceUnderTest, RunningAgent } from './under-test.ts';

interface ProcessAgentOptions {
  /** Run by the shell; `{setup}` is replaced by the setup file's path. */
  readonly command: string;
  /** Environment variables passed to the program. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly quietMs: number;
  readonly limitMs: number;
  readonly timeScale: number;
  /** The program's standard error. */
  readonly onError?: (text: string) => void;
}

/** The setup file's JSON: all that an agent needs; secrets by file name. */
const setupJson = (setup: AgentSetup, files: { state: string; token: string; nudgeKey: string }): string =>
  `${JSON.stringify(
    {
      url: setup.url,
      device_id: setup.deviceId,
      token_file: files.token,
      nudge_key_file: files.nudgeKey,
      state: files.state,
      package: setup.package,
      sdk: setup.sdk,
      version_code: setup.versionCode,
      signer: setup.signer,
      conditions: setup.conditions,
      time_scale: setup.timeScale,
      die_on_update: setup.dieOnUpdate,
    },
    null,
    2,
  )}\n`;

export function processAgent(options: ProcessAgentOptions): AgentUnderTest {
  const { quietMs, limitMs, timeScale } = options;
  return { quietMs, limitMs, timeScale, device: () => processDevice(options) };
}

async function processDevice(options: ProcessAgentOptions): Promise<DeviceUnderTest> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-conform-'));
  const files = {
    state: path.join(folder, 'state'),
    token: path.join(folder, 'token'),
    nudgeKey: path.join(folder, 'nudge-key'),
  };
  const setupFile = path.join(folder, 'setup.json');
  return {
    start: async setup => {
      await writeFile(files.token, setup.token, { mode: 0o600 });
      await writeFile(files.nudgeKey, setup.nudgeKey.toString('base64'), { mode: 0o600 });
      await writeFile(setupFile, setupJson(setup, files));
      const command = options.command.replaceAll('{setup}', `'${setupFile}'`);
      const child = spawn('/bin/sh', ['-c', `exec ${command}`], {
        env: options.environment,
        stdio: ['pipe', 'ignore', 'pipe'],
        detached: true,
      });
      child.stderr?.on('data', chunk => options.onError?.(String(chunk)));
      // Writing to a program that has exited fails; `ended` reports the exit.
      child.stdin?.on('error', () => undefined);
      return runningProcess(child);
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

function runningProcess(child: ChildProcess): RunningAgent {
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    get ended() {
      return hasEnded();
    },
    tell: command => {
      child.stdin?.write(`${JSON.stringify(command)}\n`);
    },
    kill: async () => {
      if (hasEnded() || child.pid === undefined) return;
      const gone = once(child, 'exit');
      // The whole group: a command may be a script that starts the agent.
      process.kill(-child.pid, 'SIGKILL');
      await gone;
    },
  };
}
