/**
 * Git, run as if every repository were hostile: no hooks, no `ext::`, no prompts, no submodules, no discovery of a
 * repository around the folder. What it prints in anger is cut down and stripped of credentials before it is said.
 */
import { runGit } from './process.ts';

/** A Git process ended with another code than 0; `message` is fit to be shown. */
export class GitExit extends Error {
  override readonly name = 'GitExit';
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface GitCommandOptions {
  /** The bare repository; it need not be sound, but the folder must be there. */
  readonly gitDir: string;
  /** PATH, HOME and the like are taken from here; every GIT_ variable of it is dropped. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  /** Sent as HTTP basic authorization; never in an argument or a URL. */
  readonly token?: string | undefined;
}

export interface GitCommand {
  /**
   * Standard output as text. Throws GitExit, or Faults `source_timeout`, `git_missing`, `git_unstartable`,
   * `git_killed`. Exit codes in `accepted` are answers too.
   */
  text(args: readonly string[], accepted?: readonly number[]): Promise<string>;
  /** Runs `git cat-file` with text for standard input; standard output as bytes. */
  bytes(args: readonly string[], input: string): Promise<Buffer>;
}

const PASSED_ON = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'SSH_AUTH_SOCK',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'ALL_PROXY',
  'all_proxy',
  'NO_PROXY',
  'no_proxy',
] as const;

function configOf(token: string | undefined): [string, string][] {
  const config: [string, string][] = [
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['protocol.allow', 'never'],
    ['protocol.ext.allow', 'never'],
    ...['file', 'ssh', 'https', 'http', 'git'].map((p): [string, string] => [
      `protocol.${p}.allow`,
      'always',
    ]),
    ['submodule.recurse', 'false'],
    ['fetch.recurseSubmodules', 'false'],
    ['gc.autoDetach', 'false'],
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', '30'],
  ];
  if (token !== undefined) {
    const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
    config.push(['http.extraHeader', `Authorization: Basic ${basic}`]);
    // curl would carry the header along to wherever it is sent.
    config.push(['http.followRedirects', 'false']);
  }
  return config;
}

function environmentOf(options: GitCommandOptions): Record<string, string> {
  const passed = PASSED_ON.flatMap(name => {
    const value = options.environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const config = configOf(options.token);
  return {
    ...Object.fromEntries(passed),
    ...Object.fromEntries(
      config.flatMap(([key, value], n) => [
        [`GIT_CONFIG_KEY_${n}`, key],
        [`GIT_CONFIG_VALUE_${n}`, value],
      ]),
    ),
    GIT_CONFIG_COUNT: String(config.length),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_DIR: options.gitDir, // no search upwards: a broken mirror must not turn into the repository around it
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=20',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  };
}

/** Each call is a process of its own. */
export function gitCommand(options: GitCommandOptions): GitCommand {
  const { gitDir: folder, timeoutMs, token } = options;
  const env = environmentOf(options);
  const run = async (
    args: readonly string[],
    accepted: readonly number[],
    input?: string,
  ): Promise<Buffer> => {
    const { exitCode, stdout, stderr } = await runGit({ args, folder, env, input, timeoutMs });
    if (exitCode === 0 || accepted.includes(exitCode)) return stdout;
    throw new GitExit(exitCode, sanitise(stderr.toString(), token));
  };
  return {
    text: async (args, accepted = []) => (await run(args, accepted)).toString(),
    bytes: (args, input) => run(['cat-file', ...args], [], input),
  };
}

/** The last complaint of Git, one bounded line, without credentials. */
export function sanitise(text: string, token: string | undefined): string {
  const lines = text.split('\n').map(line => line.trim());
  const said =
    lines.findLast(line => /^(fatal|error|remote|ssh):/i.test(line)) ?? lines.findLast(line => line !== '');
  let clean = (said ?? 'no reason given').replaceAll(/\/\/[^/\s@]*@/g, '//');
  if (token !== undefined && token !== '') {
    const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
    clean = clean.replaceAll(token, '[redacted]').replaceAll(basic, '[redacted]');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the remote side may send any bytes
  return clean.replaceAll(/[\x00-\x1f\x7f]/g, ' ').slice(0, 300);
}
