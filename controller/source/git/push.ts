/** A branch with one commit on top of a base, made in the mirror and pushed to where it came from. */
import type { PushedChange } from '../../ports/index.ts';
import type { GitCommand } from './command.ts';

const AUTHOR = 'nexmdm-ota <nexmdm-ota@localhost>';

/** Only in the mirror, and gone again once it is pushed. */
const refOf = (branch: string): string => `refs/ota/push/${branch}`;

const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;

/** A path as `git fast-import` reads it, whatever it holds. */
const quoted = (path: string): string => `"${path.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;

/**
 * The same change of the same base is the same commit, so that pushing it again changes nothing: it is dated like its base.
 * `git` knows no host; `origin` does. Throws GitExit.
 */
export async function pushBranch(
  git: GitCommand,
  origin: GitCommand,
  { base, branch, files, message }: PushedChange,
  subPath: string,
): Promise<void> {
  const dated = (await git.text(['log', '-1', '--format=%ct', '--end-of-options', base])).trim();
  const at = (file: string): string => (subPath === '.' ? file : `${subPath}/${file}`);
  const ref = refOf(branch);
  const commit = [
    `commit ${ref}\n`,
    `committer ${AUTHOR} ${dated} +0000\n`,
    data(message),
    `from ${base}\n`,
    ...[...files].map(([file, text]) => `M 100644 inline ${quoted(at(file))}\n${data(text)}`),
    '\n',
  ].join('');
  await git.text(['fast-import', '--quiet', '--force'], undefined, commit);
  try {
    await origin.text(['push', '--quiet', 'origin', `${ref}:refs/heads/${branch}`]);
  } finally {
    await git.text(['update-ref', '-d', ref]);
  }
}
