/**
 * Runs Git as if every repository were hostile: no hooks, no `ext::`, no prompts, no submodules, and no search for a
 * repository around the folder. Error output is shortened and stripped of credentials before it is shown.
 */
import { gitEnvironment } from '../../domain/git-environment.ts';
import { type RunGit, runGit } from './process.ts';
import { reasonOf } from './reason.ts';

/** A Git process ended with an exit code other than 0. */
export class GitExit extends Error {
  override readonly name = 'GitExit';
  readonly exitCode: number;
  /** All of Git's error output up to a limit. Only for matching; never shown. */
  readonly output: string;
  /** `message` may be shown. */
  constructor(exitCode: number, message: string, said: string = message) {
    super(message);
    this.exitCode = exitCode;
    this.output = said.slice(0, 4_000);
  }
}

export interface GitCommandOptions {
  /** The folder of the bare repository. It must exist, but its content may be damaged. */
  readonly gitDir: string;
  /** Provides PATH, HOME and the like. All GIT_ variables are dropped. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  /** Sent as HTTP basic authorization; never in an argument or a URL. */
  readonly token?: string | undefined;
  /** The URL of the remote `origin`. Without it Git contacts no host, not even for missing objects. */
  readonly origin?: string | undefined;
  /** Ends the running process. */
  readonly signal?: AbortSignal | undefined;
  /** How to start Git; by default from this process. A controller starts it from a small process. */
  readonly run?: RunGit | undefined;
}

export interface GitCommand {
  /**
   * Returns standard output as text. Exit codes in `accepted` are no errors. `input` goes to standard input.
   * Throws GitExit, or Faults `source_timeout`, `source_stopped`, `git_missing`, `git_unstartable`, `git_killed`.
   */
  text(args: readonly string[], accepted?: readonly number[], input?: string): Promise<string>;
  /** Runs `git cat-file` with text as standard input. Returns standard output as bytes. */
  bytes(args: readonly string[], input: string): Promise<Buffer>;
}

const PROTOCOLS = ['file', 'ssh', 'https', 'http', 'git'] as const;

function configOf({ token, origin }: GitCommandOptions): [string, string][] {
  const config: [string, string][] = [
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['protocol.allow', 'never'],
    ['protocol.ext.allow', 'never'],
    ...PROTOCOLS.map((p): [string, string] => [
      `protocol.${p}.allow`,
      origin === undefined ? 'never' : 'always',
    ]),
    ['submodule.recurse', 'false'],
    ['fetch.recurseSubmodules', 'false'],
    ['gc.autoDetach', 'false'],
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', '30'],
  ];
  if (origin !== undefined) config.push(['remote.origin.url', origin]);
  if (token !== undefined) {
    const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
    config.push(['http.extraHeader', `Authorization: Basic ${basic}`]);
    // curl would send the header to the target of a redirect too.
    config.push(['http.followRedirects', 'false']);
  }
  return config;
}

function environmentOf(options: GitCommandOptions): Record<string, string> {
  const config = configOf(options);
  return {
    ...gitEnvironment(options.environment),
    ...Object.fromEntries(
      config.flatMap(([key, value], n) => [
        [`GIT_CONFIG_KEY_${n}`, key],
        [`GIT_CONFIG_VALUE_${n}`, value],
      ]),
    ),
    GIT_CONFIG_COUNT: String(config.length),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_DIR: options.gitDir, // no search upwards: if the mirror is broken, Git must not use a repository around it
    GIT_LITERAL_PATHSPECS: '1',
    ...(options.origin === undefined && { GIT_NO_LAZY_FETCH: '1' }),
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=20',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
    ...COMMITTER,
  };
}

/** The author of the commits of a computed merge. It is fixed, so that the same merge has the same hash. */
const COMMITTER = {
  GIT_AUTHOR_NAME: 'nexmdm-ota',
  GIT_AUTHOR_EMAIL: 'nexmdm-ota@localhost',
  GIT_AUTHOR_DATE: '@0 +0000',
  GIT_COMMITTER_NAME: 'nexmdm-ota',
  GIT_COMMITTER_EMAIL: 'nexmdm-ota@localhost',
  GIT_COMMITTER_DATE: '@0 +0000',
} as const;

/** Each call runs a separate process. */
export function gitCommand(options: GitCommandOptions): GitCommand {
  const { gitDir: folder, timeoutMs, token, signal, run: runOne = runGit } = options;
  const env = environmentOf(options);
  const run = async (
    args: readonly string[],
    accepted: readonly number[],
    input?: string,
  ): Promise<Buffer> => {
    const { exitCode, stdout, stderr } = await runOne({ args, folder, env, input, timeoutMs, signal });
    if (exitCode === 0 || accepted.includes(exitCode)) return stdout;
    const said = stderr.toString();
    throw new GitExit(exitCode, reasonOf(said, token), said);
  };
  return {
    text: async (args, accepted = [], input) => (await run(args, accepted, input)).toString(),
    bytes: (args, input) => run(['cat-file', ...args], [], input),
  };
}
