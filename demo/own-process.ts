/** One device whose agent is a process of its own: the `ota-agent` command, asked to poll through its standard input. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';

const root = path.resolve(import.meta.dirname, '..');

export interface OwnProcess {
  readonly events: { readonly event: string; readonly version_code?: number; readonly build_id?: string }[];
  /** Asks for a check and waits until its outcome is known. */
  poll(): Promise<void>;
  stop(): Promise<void>;
}

const SETTLES = new Set(['ota.hold', 'ota.ineligible.cohort', 'ota.check.fail', 'ota.report']);

export async function startOwnProcess(options: {
  folder: string;
  url: string;
  deviceId: string;
  token: string;
  installed: string;
}): Promise<OwnProcess> {
  const tokenFile = path.join(options.folder, `${options.deviceId}.token`);
  await writeFile(tokenFile, options.token, { mode: 0o600 });
  const args = [
    'run',
    '--simulated',
    '--url',
    options.url,
    '--device',
    options.deviceId,
    '--token-file',
    tokenFile,
  ];
  const state = path.join(options.folder, options.deviceId);
  const child = spawn(
    process.execPath,
    [
      '--import',
      import.meta.resolve('tsx'),
      path.join(root, 'agent/main.ts'),
      ...args,
      '--state',
      state,
      '--installed',
      options.installed,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const events: OwnProcess['events'] = [];
  let heard: () => void = () => undefined;
  createInterface({ input: child.stdout }).on('line', line => {
    if (line.startsWith('{')) events.push(JSON.parse(line) as OwnProcess['events'][number]);
    heard();
  });
  const settled = (from: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error('the agent process did not answer within 30 s')),
        30_000,
      );
      heard = () => {
        if (!events.slice(from).some(e => SETTLES.has(e.event))) return;
        clearTimeout(late);
        resolve();
      };
      heard();
    });
  await settled(0);
  return {
    events,
    poll: async () => {
      const from = events.length;
      child.stdin.write('{"poll": true}\n');
      await settled(from);
    },
    stop: () =>
      new Promise(resolve => {
        child.once('exit', () => resolve());
        child.stdin.write('{"stop": true}\n');
      }),
  };
}
