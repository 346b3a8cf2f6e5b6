/** What the scene needs: a Git repository, two signed APKs, a controller process, the operator's command line. */
import { execFile, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { fingerprintOf, makeApk, makeKey } from '../test/support/apk/index.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..');
/** Resolved here, so that children may run in any folder. */
const TYPESCRIPT = ['--import', import.meta.resolve('tsx')];
const APK_BYTES = 300_000;

export interface LogLine {
  readonly event: string;
  readonly device_id?: string;
  readonly build_id?: string;
  readonly request_id?: string;
  readonly outcome?: string;
}

interface Reconciled {
  readonly applied_revision: string | null;
  readonly attempted_revision: string | null;
  readonly problems: readonly unknown[];
}

export interface Stage {
  readonly folder: string;
  readonly repository: string;
  readonly url: string;
  readonly adminToken: string;
  /** SHA-256 of the certificate both APKs are signed with. */
  readonly signer: string;
  readonly apks: Readonly<Record<'b41' | 'b42', string>>;
  /** Runs `ota` in the repository; throws with its message if it fails. */
  ota(...args: string[]): Promise<string>;
  /** Commits what is in the working tree and waits until the controller has applied it; milliseconds it took. */
  merge(message: string): Promise<number>;
  get(target: string): Promise<unknown>;
  metric(name: string, label?: string): Promise<number>;
  log(): Promise<LogLine[]>;
  close(): Promise<void>;
}

async function makeFiles(folder: string) {
  const key = makeKey('ec-p256', 'NexMDM demo');
  const apks = { b41: path.join(folder, 'agent-41.apk'), b42: path.join(folder, 'agent-42.apk') };
  for (const [versionCode, file] of [
    [41, apks.b41],
    [42, apks.b42],
  ] as const) {
    const versionName = `4.${versionCode % 40}.0`;
    await writeFile(
      file,
      makeApk({ package: 'com.nexmdm.agent', versionCode, versionName, key, sizeBytes: APK_BYTES }),
    );
  }
  return { apks, signer: fingerprintOf(key) };
}

const FIRST_ROLLOUT = `# The one mutable pointer. Change it by pull request.
apiVersion: ota.nexmdm/v1
kind: Rollout
current: b41            # what the fleet runs
rollout_percent: 100
cohort_seed: ""
`;

/** Starts the controller as a process of its own and reads its address from its first log line. */
async function startController(folder: string, repository: string) {
  const logFile = path.join(folder, 'controller.log');
  const log = createWriteStream(logFile);
  const child = spawn(process.execPath, [...TYPESCRIPT, path.join(root, 'controller/main.ts')], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      OTA_DATA: path.join(folder, 'data'),
      OTA_PORT: '0',
      OTA_SOURCE: pathToFileURL(repository).href,
      OTA_SOURCE_INTERVAL: '2s',
      OTA_CHECKS_PER_MINUTE: '600',
    },
  });
  child.stdout.pipe(log);
  let complaints = '';
  child.stderr.on('data', chunk => {
    complaints += String(chunk);
  });
  const url = await new Promise<string>((resolve, reject) => {
    let seen = '';
    child.stdout.on('data', chunk => {
      seen += String(chunk);
      const match = /"event":"ota.start".*?"url":"([^"]+)"/.exec(seen);
      if (match?.[1] !== undefined) resolve(match[1]);
    });
    child.once('exit', code => reject(new Error(`the controller ended with ${code}: ${complaints}`)));
  });
  const stop = () =>
    new Promise<void>(resolve => {
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    });
  return { url, stop, logFile };
}

export async function openStage(): Promise<Stage> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-demo-'));
  const repository = path.join(folder, 'repository');
  await mkdir(path.join(repository, 'releases', 'builds'), { recursive: true });
  const { apks, signer } = await makeFiles(folder);
  const git = async (...args: string[]): Promise<string> => {
    const identity = [
      '-c',
      'user.name=A. Releaser',
      '-c',
      'user.email=releaser@example.com',
      '-c',
      'commit.gpgsign=false',
    ];
    return (await run('git', ['-C', repository, ...identity, ...args])).stdout.trim();
  };
  await git('init', '--quiet', '--initial-branch=main');
  await git('commit', '--quiet', '--allow-empty', '--message', 'begin');
  const controller = await startController(folder, repository);
  const adminToken = (await readFile(path.join(folder, 'data', 'admin-token'), 'utf8')).trim();
  const call = (target: string, init: RequestInit = {}) =>
    fetch(controller.url + target, {
      ...init,
      headers: { authorization: `Bearer ${adminToken}`, ...init.headers },
    });

  const ota = async (...args: string[]): Promise<string> => {
    const env = { ...process.env, OTA_URL: controller.url, OTA_ADMIN_TOKEN: adminToken, NO_COLOR: '1' };
    const { stdout } = await run(
      process.execPath,
      [...TYPESCRIPT, path.join(root, 'controller/cli/main.ts'), ...args],
      {
        cwd: repository,
        env,
        maxBuffer: 64 * 1024 * 1024,
      },
    );
    return stdout;
  };
  const get = async (target: string): Promise<unknown> => (await call(target)).json();

  await writeFile(path.join(repository, 'releases', 'rollout.yaml'), FIRST_ROLLOUT);
  return {
    folder,
    repository,
    url: controller.url,
    adminToken,
    signer,
    apks,
    ota,
    get,
    merge: async message => {
      await git('add', '--all');
      await git('commit', '--quiet', '--message', message);
      const revision = await git('rev-parse', 'HEAD');
      const startedMs = performance.now();
      for (;;) {
        const { reconcile: now } = (await get('/v1/rollout')) as { reconcile: Reconciled };
        if (now.applied_revision === revision) return performance.now() - startedMs;
        if (now.attempted_revision === revision) throw new Error(`rejected: ${JSON.stringify(now.problems)}`);
        if (performance.now() - startedMs > 60_000)
          throw new Error(`not applied after a minute: ${JSON.stringify(now)}`);
        await new Promise(resolve => setTimeout(resolve, 50));
      }
    },
    metric: async (name, label = '') => {
      const text = await (await call('/metrics')).text();
      const line = text
        .split('\n')
        .find(l => l.startsWith(name) && l.includes(label) && /^[a-z_]+(\{| )/.test(l));
      return Number(line?.split(' ').at(-1) ?? 0);
    },
    log: async () => {
      // The controller writes its log in half-second batches.
      await new Promise(resolve => setTimeout(resolve, 700));
      const lines = (await readFile(controller.logFile, 'utf8')).split('\n');
      return lines.filter(l => l.startsWith('{')).map(l => JSON.parse(l) as LogLine);
    },
    close: async () => {
      await controller.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
