/** Finds private keys and tokens by their shape. They must never be committed. The result never quotes them. */

interface SecretFound {
  readonly what: string;
  readonly line: number;
  readonly column: number;
}

/** The text may be hostile: an unbounded repetition before the end of a pattern would take quadratic time. */
const SHAPES: readonly (readonly [what: string, shape: RegExp])[] = [
  ['a private key', /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g],
  ['a GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})/g],
  ['a Google API key', /\bAIza[0-9A-Za-z_-]{35}/g],
  ['a Google OAuth token', /\bya29\.[0-9A-Za-z_-]{20,}|\bGOCSPX-[0-9A-Za-z_-]{20,}/g],
  ['a Google service account', /["']?private_key_id["']?\s{0,8}:|"type"\s{0,8}:\s{0,8}"service_account"/g],
  ['an AWS access key', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g],
  ['a Slack token', /\bxox[abprs]-[0-9A-Za-z-]{10,}/g],
  ['a JSON Web Token', /\beyJ[A-Za-z0-9_-]{8,512}\.eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8}/g],
  // device tokens are v1.<kid>.<device_id>.<generation>.<mac>, see SPEC §6
  ['a device token', /\bv1\.[A-Za-z0-9_-]{1,32}\.[A-Za-z0-9._:-]{1,64}\.\d{1,10}\.[A-Za-z0-9_-]{22,}/g],
  ['an admin token', /\bota_admin_[A-Za-z0-9_-]{20,}/g],
];

/** The place of each secret's first character; lines and columns count from 1. */
export function findSecrets(text: string): SecretFound[] {
  return SHAPES.flatMap(([what, shape]) =>
    [...text.matchAll(shape)].slice(0, 10).map(match => {
      const before = text.slice(0, match.index);
      const line = before.split('\n').length;
      return { what, line, column: match.index - before.lastIndexOf('\n') };
    }),
  );
}
