/** Controllers by name, each with its URL and the file of its token. The file of contexts contains no secret. */
import { readFileSync, statSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '../domain/fault.ts';
import { isName } from '../domain/ids.ts';
import type { Io } from './io.ts';
import { replaceFile } from './replace-file.ts';

export interface Context {
  readonly url: string;
  readonly token_file: string;
}

interface Contexts {
  /** The context used by default; null if there is none. */
  readonly current: string | null;
  readonly contexts: Readonly<Record<string, Context>>;
}

const NONE: Contexts = { current: null, contexts: {} };

type Environment = Io['environment'];

/** `$XDG_CONFIG_HOME/ota/contexts.json`, or else in `~/.config` (XDG base directories). */
export function contextsFile(environment: Environment): string {
  const { XDG_CONFIG_HOME: config, HOME: home } = environment;
  const base = config !== undefined && path.isAbsolute(config) ? config : path.join(home ?? '.', '.config');
  return path.join(base, 'ota', 'contexts.json');
}

const invalid = (file: string): Fault =>
  new Fault(
    'contexts_invalid',
    `${file} is not a valid list of contexts\n  correct it, or delete it and add the contexts again`,
    {
      retry: 'never',
    },
  );

const isContext = (value: unknown): value is Context => {
  const { url, token_file } = (value ?? {}) as Partial<Context>;
  return typeof url === 'string' && typeof token_file === 'string';
};

/** Fault `contexts_invalid`. */
function parse(text: string, file: string): Contexts {
  let value: Partial<Contexts>;
  try {
    value = JSON.parse(text) as Partial<Contexts>;
  } catch {
    throw invalid(file);
  }
  const { current = null, contexts = {} } = value;
  const fits = Object.entries(contexts).every(([name, context]) => isName(name) && isContext(context));
  if (!fits || (current !== null && !Object.hasOwn(contexts, current))) throw invalid(file);
  return { current, contexts };
}

const textOf = (error: unknown): undefined => {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw error;
};

export async function readContexts(environment: Environment): Promise<Contexts> {
  const file = contextsFile(environment);
  const text = await readFile(file, 'utf8').catch(textOf);
  return text === undefined ? NONE : parse(text, file);
}

/** Replaces the file atomically. Faults `contexts_invalid`, `file_changed`, `write_failed`. */
export async function changeContexts(
  environment: Environment,
  change: (before: Contexts) => Contexts,
): Promise<Contexts> {
  const file = contextsFile(environment);
  const text = await readFile(file, 'utf8').catch(textOf);
  const after = change(text === undefined ? NONE : parse(text, file));
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await replaceFile(file, `${JSON.stringify(after, null, 2)}\n`, text);
  return after;
}

export const unknownContext = (name: string, { contexts }: Contexts): Fault => {
  const names = Object.keys(contexts);
  const known = names.length === 0 ? 'none was added yet' : `known contexts are ${names.sort().join(', ')}`;
  return new Fault(
    'context_unknown',
    `there is no context ${JSON.stringify(name.slice(0, 64))}: ${known}\n  add one: ota context add NAME URL TOKEN-FILE`,
    { retry: 'never' },
  );
};

/**
 * Finds the controller: the requested context, or else OTA_URL and OTA_ADMIN_TOKEN (or the file in OTA_ADMIN_TOKEN_FILE),
 * or else the current context. Files are read only when a verb needs them, so a broken one does not affect other verbs.
 */
export function controllerOf(environment: Environment, asked: string | undefined): Io['controller'] {
  const { OTA_URL: url, OTA_ADMIN_TOKEN: token, OTA_ADMIN_TOKEN_FILE: file, OTA_CONTEXT } = environment;
  const named = asked ?? (OTA_CONTEXT === '' ? undefined : OTA_CONTEXT);
  if (named === undefined && token === undefined && file !== undefined)
    return {
      url,
      get token() {
        return tokenIn(file);
      },
    };
  if (named === undefined && (url !== undefined || token !== undefined)) return { url, token };
  let found: Context | undefined | null = null;
  const context = (): Context | undefined => {
    if (found === null) found = contextNow(environment, named);
    return found;
  };
  return {
    get url() {
      return context()?.url;
    },
    get token() {
      const chosen = context();
      return chosen === undefined ? undefined : tokenIn(chosen.token_file);
    },
  };
}

/** Faults `context_missing`, `context_unknown`, `contexts_invalid`. */
function contextNow(environment: Environment, named: string | undefined): Context | undefined {
  if (named === '')
    throw new Fault('context_missing', '--context needs the name of a context\n  see: ota context list', {
      retry: 'never',
    });
  const file = contextsFile(environment);
  let known = NONE;
  try {
    known = parse(readFileSync(file, 'utf8'), file);
  } catch (error) {
    textOf(error);
  }
  const name = named ?? known.current;
  if (name === null) return undefined;
  const found = Object.hasOwn(known.contexts, name) ? known.contexts[name] : undefined;
  if (found === undefined) throw unknownContext(name, known);
  return found;
}

const MOST_TOKEN_BYTES = 4_096;

/** Faults `token_file_unreadable`, and `token_file_exposed` if others on this machine can read it. */
function tokenIn(file: string): string {
  try {
    const { mode, size } = statSync(file);
    if ((mode & 0o077) !== 0)
      throw new Fault(
        'token_file_exposed',
        `other users of this machine can read the token file ${file}\n  chmod 600 ${file}, and replace the token if someone may have read it`,
        { retry: 'never' },
      );
    if (size > MOST_TOKEN_BYTES) throw new Error('it is too large for a token');
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Fault('token_file_unreadable', `cannot read the token file ${file}: ${code ?? message}`, {
      retry: 'never',
      cause,
    });
  }
}

/** Removes `--context NAME` from the arguments, anywhere before `--`. An empty name counts as missing. */
export function takeContext(argv: readonly string[]): {
  readonly argv: readonly string[];
  readonly context: string | undefined;
} {
  const end = argv.indexOf('--');
  const at = argv.findIndex(
    (arg, i) => (arg === '--context' || arg.startsWith('--context=')) && (end < 0 || i < end),
  );
  const arg = argv[at];
  if (arg === undefined) return { argv, context: undefined };
  const inline = arg.startsWith('--context=');
  const context = inline ? arg.slice('--context='.length) : argv[at + 1];
  const isName = context !== undefined && !context.startsWith('-');
  const taken = (i: number): boolean => i === at || (!inline && isName && i === at + 1);
  return { argv: argv.filter((_, i) => !taken(i)), context: isName ? context : '' };
}
