/** The operator's own checkout, used as an object store and for its remote. Its files and index stay untouched. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { simpleGit } from 'simple-git';
import { Fault } from '../domain/fault.ts';
import { gitEnvironment } from '../domain/git-environment.ts';
import { redact } from './fault.ts';

export interface CheckoutOptions {
  /** Filtered by {@link gitEnvironment} before Git sees it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Sent as HTTP basic authorization to this origin alone, never in a URL or an argument. */
  readonly credentials?: { readonly origin: string; readonly token: string } | undefined;
  readonly timeoutMs?: number;
}

export interface Checkout {
  /** Standard output, trimmed. Fault `git_failed` with Git's own message, without credentials. */
  git(...args: readonly string[]): Promise<string>;
  /** Creates a commit with these texts on top of `base`. */
  commit(base: string, files: ReadonlyMap<string, string>, message: string): Promise<string>;
}

function environmentOf({ environment, credentials }: CheckoutOptions): Record<string, string> {
  const header = credentials && Buffer.from(`x-access-token:${credentials.token}`).toString('base64');
  return {
    ...gitEnvironment(environment),
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
    ...(credentials !== undefined && {
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: `http.${credentials.origin}/.extraHeader`,
      GIT_CONFIG_VALUE_0: `Authorization: Basic ${header}`,
      // On a redirect curl would send the header to the other host.
      GIT_CONFIG_KEY_1: 'http.followRedirects',
      GIT_CONFIG_VALUE_1: 'false',
    }),
  };
}

export function openCheckout(root: string, options: CheckoutOptions): Checkout {
  const { credentials, timeoutMs = 120_000 } = options;
  const secrets = credentials === undefined ? [] : [credentials.token];
  const environment = environmentOf(options);

  async function run(args: readonly string[], extra: Readonly<Record<string, string>> = {}): Promise<string> {
    const env = { ...environment, ...extra };
    const git = simpleGit({
      baseDir: root,
      timeout: { block: timeoutMs, stdErr: false, stdOut: false },
      allowEnvironment: Object.keys(env).filter(name => name.startsWith('GIT_')),
      unsafe: { allowUnsafeConfigEnvCount: true },
    }).env(env);
    try {
      return (await git.raw([...args])).trim();
    } catch (error) {
      const text = error instanceof Error ? error.message : 'no reason given';
      const lines = text.split('\n').map(line => line.trim());
      const said =
        lines.findLast(line => /^(fatal|error|remote):/i.test(line)) ?? lines.find(line => line !== '') ?? '';
      throw new Fault('git_failed', `git ${args[0] ?? ''}: ${redact(said, secrets)}`, { retry: 'never' });
    }
  }

  return {
    git: (...args) => run(args),
    commit: async (base, files, message) => {
      const folder = await mkdtemp(path.join(tmpdir(), 'ota-proposal-'));
      const index = { GIT_INDEX_FILE: path.join(folder, 'index') };
      try {
        await run(['read-tree', base], index);
        for (const [name, text] of files) {
          const file = path.join(folder, randomUUID());
          await writeFile(file, text);
          const blob = await run(['hash-object', '-w', '--no-filters', '--', file]);
          await run(['update-index', '--add', '--cacheinfo', `100644,${blob},${name}`], index);
        }
        const tree = await run(['write-tree'], index);
        return await run(['commit-tree', tree, '-p', base, '-m', message]);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
