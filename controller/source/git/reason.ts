/**
 * Explains why Git failed. Git's last line is often "Could not read from remote repository", but the cause is some lines
 * above. Known causes are shown with a fix, credentials are removed, and the text is one line of limited length.
 */

/** Cause and fix for known output of Git, ssh and curl. The first match wins. */
const CAUSES: readonly (readonly [RegExp, string])[] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    'the ssh key of the host has changed: if this is expected, remove the old one with "ssh-keygen -R HOST" and add the new one to known_hosts',
  ],
  [
    /Host key verification failed/i,
    'the ssh key of the host is not in known_hosts: add it with ssh-keyscan and compare its fingerprint',
  ],
  [
    /Permission denied \(/i,
    "the host refused the ssh key: add the controller's public key to the repository, for example as a read-only deploy key",
  ],
  [
    /detected dubious ownership/i,
    'the repository belongs to another user: run as its owner, or add it to safe.directory in ~/.gitconfig',
  ],
  [/No space left on device|disk quota exceeded/i, 'the disk is full'],
  [
    /returned error: 403/,
    'the host refused the request (403): the token has no permission to read this repository',
  ],
  [
    /returned error: 401|Authentication failed|could not read (Username|Password)|terminal prompts disabled/i,
    'the host asks for credentials, or refused them: check OTA_SOURCE_TOKEN',
  ],
  [
    /returned error: 404|repository (.* )?(not found|does not exist)/i,
    'the repository does not exist, or the token cannot see it: check OTA_SOURCE',
  ],
  [
    /returned error: 30\d|unable to update url base from redirection/i,
    'the host redirects to another address: set OTA_SOURCE to the new address',
  ],
  [
    /not valid: is this a git repository\?/i,
    'the address answers, but not as a Git repository; it may be a login page: check OTA_SOURCE and any proxy',
  ],
  [/Could not resolve (host|hostname)/i, 'the host name cannot be resolved: check OTA_SOURCE and DNS'],
  [/Connection refused/i, 'the host refused the connection: check the address and the port'],
  [/SSL certificate problem|certificate verif/i, 'the certificate of the host is not trusted here'],
  [/Operation too slow|timed out/i, 'the host did not answer in time'],
  [/RPC failed|early EOF|hung up unexpectedly|transfer closed/i, 'the connection broke off'],
];

/** Cause, fix and Git's own words. */
export function reasonOf(stderr: string, token: string | undefined): string {
  const words = sanitise(stderr, token);
  const cause = CAUSES.find(([pattern]) => pattern.test(stderr))?.[1];
  return cause === undefined ? words : `${cause} (Git: ${words})`;
}

/** The last error line of Git, of limited length and without credentials. */
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
