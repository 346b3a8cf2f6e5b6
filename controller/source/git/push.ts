/** Makes a branch with one commit on top of a base in the mirror, and pushes it to the source. */
import type { PushedChange } from '../../ports/index.ts';
import type { GitCommand } from './command.ts';

const AUTHOR = 'nexmdm-ota <nexmdm-ota@localhost>';

/** Exists only in the mirror, and is deleted after the push. */
const refOf = (branch: string): string => `refs/ota/push/${branch}`;

const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;

/** Quotes any path for `git fast-import`. */
const quoted = (path: string): string => `"${path.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;

/**
 * The commit has the date of its base. So the same change of the same base is the same commit, and pushing it again
 * changes nothing. `git` cannot contact a host; `origin` can. Throws GitExit.
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
