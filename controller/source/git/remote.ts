/** The address of the repository, checked before it is used on a command line. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../../domain/fault.ts';
import { isPrivateUrl } from '../../domain/loopback.ts';

export interface GitRemote {
  /** The address for Git. */
  readonly url: string;
  /** The address for messages, without user and query. */
  readonly shown: string;
  /** Name of the mirror's folder. Each URL has its own mirror. */
  readonly key: string;
  /** The folder if the repository is on this machine. */
  readonly localPath: string | undefined;
}

const SCHEMES = ['file:', 'ssh:', 'git+ssh:', 'ssh+git:', 'https:', 'http:', 'git:'];
const SCP = /^[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:(?!\/\/)[^\s:-][^\s]*$/;

const refuse = (message: string): never => {
  throw new Fault('source_url_invalid', message, { retry: 'never' });
};

/** A path, a URL, or `user@host:path`. Throws Fault `source_url_invalid`, which never quotes the address. */
export function gitRemote(given: string, token: string | undefined): GitRemote {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
  if (given === '' || given.startsWith('-') || /[\x00-\x20\x7f]/.test(given))
    refuse('the source URL is empty, starts with a dash or contains spaces');
  if (/^[A-Za-z0-9+.-]+::/.test(given))
    refuse('remote helpers such as ext:: run programs and are refused: use https, ssh or file');
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(given)) return fromUrl(given, token);
  if (SCP.test(given)) return made(given, given, undefined);
  const local = path.resolve(given);
  return made(local, local, local);
}

function fromUrl(given: string, token: string | undefined): GitRemote {
  if (!URL.canParse(given)) refuse('the source URL is not valid');
  const url = new URL(given);
  if (!SCHEMES.includes(url.protocol)) refuse(`the source URL must be one of ${SCHEMES.join(' ')}`);
  if (url.password !== '') refuse('the source URL contains a password: use OTA_SOURCE_TOKEN instead');
  if (/^https?:$/.test(url.protocol) && looksLikeToken(url.username))
    refuse('the source URL contains a token as its user name: use OTA_SOURCE_TOKEN instead');
  if (url.hostname.startsWith('-') || url.username.startsWith('-')) refuse('the source URL is not valid');
  if (token !== undefined && !isPrivateUrl(url))
    refuse('a source token is only sent over https: change OTA_SOURCE to https, or unset OTA_SOURCE_TOKEN');
  const shown = `${url.protocol}//${url.host}${url.pathname}`;
  return made(given, shown, url.protocol === 'file:' ? fileURLToPath(url) : undefined);
}

/** Whether the user name looks like an access token of a known host, or is too long for a user name. */
const looksLikeToken = (user: string): boolean =>
  /^(gh[a-z]_|github_pat_|glpat-|x-access-token$|x-token-auth$|oauth2$)/i.test(user) || user.length >= 20;

const made = (url: string, shown: string, localPath: string | undefined): GitRemote => ({
  url,
  shown,
  key: createHash('sha256').update(url).digest('hex').slice(0, 16),
  localPath,
});

/** Git's own rules for branch names (git-check-ref-format), slightly stricter. Throws Fault `branch_invalid`. */
export function checkBranch(branch: string): string {
  const isFine =
    /^[A-Za-z0-9_][A-Za-z0-9._/+@-]{0,199}$/.test(branch) &&
    !/\.\.|\/\/|\/\.|@\{|\.lock(\/|$)|[./]$/.test(branch);
  if (!isFine) throw new Fault('branch_invalid', 'the branch is not a valid branch name', { retry: 'never' });
  return branch;
}

/** Relative, inside the repository; `.` is its top. Throws Fault `source_path_invalid`. */
export function checkSubPath(given: string): string {
  const clean = path.posix.normalize(given).replace(/\/$/, '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: such names only serve to confuse
  const isFine = clean !== '' && !/^[/-]|^\.\.|[\x00-\x1f\x7f\\:]/.test(clean);
  if (!isFine)
    throw new Fault('source_path_invalid', 'the path in the repository is not a plain relative path', {
      retry: 'never',
    });
  return clean;
}
