/** A temporary clone. It shares the objects of the original repository, but changes in it never go back there. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Revision } from '../../domain/ids.ts';
import { gitCommand } from './command.ts';

interface ScratchOptions {
  /** The repository's own Git folder. */
  readonly gitDir: string;
  /** The folder to check out, with forward slashes; `.` is everything. */
  readonly subPath: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
}

/** `use` gets the clone's folder, in which HEAD is `revision`. It is removed afterwards, whatever happens. */
export async function withScratchClone<T>(
  { gitDir, subPath, environment, timeoutMs }: ScratchOptions,
  revision: Revision,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'ota-scratch-')));
  try {
    const own = path.join(folder, '.git');
    await mkdir(own);
    const origin = gitCommand({ gitDir, environment, timeoutMs });
    const git = gitCommand({ gitDir: own, environment, timeoutMs });
    const format = (await origin.text(['rev-parse', '--show-object-format'])).trim();
    // Absolute, even for a linked working tree, whose objects are in another folder.
    const objects = (
      await origin.text(['rev-parse', '--path-format=absolute', '--git-path', 'objects'])
    ).trim();
    await git.text(['-C', folder, 'init', '--quiet', '--template=', `--object-format=${format}`]);
    await writeFile(path.join(own, 'objects', 'info', 'alternates'), `${objects}\n`);
    await git.text(['update-ref', '--no-deref', 'HEAD', revision]);
    await git.text(['-C', folder, '--work-tree=.', 'checkout', '--quiet', revision, '--', subPath]);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
