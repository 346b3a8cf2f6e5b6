/** Contents by object name. A mirror may have left some out: they are obtained by name before they are read. */
import { type GitCommand, GitExit } from './command.ts';

/** Fetches objects by name; a repository on this machine has them all. */
export type Obtain = (objects: readonly string[]) => Promise<void>;
export const nothingToObtain: Obtain = async () => undefined;

/** `<oid> blob <size>` each line; all undefined when Git gave up on one that it may not fetch. */
async function sizesHere(git: GitCommand, objects: readonly string[]): Promise<(number | undefined)[]> {
  let output: string;
  try {
    output = await git.text(['cat-file', '--batch-check'], undefined, `${objects.join('\n')}\n`);
  } catch (error) {
    if (error instanceof GitExit && /promisor|lazy|could not fetch/i.test(error.said))
      return objects.map(() => undefined);
    throw error;
  }
  return output
    .split('\n')
    .slice(0, objects.length)
    .map(line => / blob (\d+)$/.exec(line)?.[1])
    .map(size => (size === undefined ? undefined : Number(size)));
}

/** Sizes in bytes, in the order given; what is not here is obtained first. Throws GitExit for what stays missing. */
export async function blobSizes(
  git: GitCommand,
  objects: readonly string[],
  obtain: Obtain,
): Promise<number[]> {
  if (objects.length === 0) return [];
  let sizes = await sizesHere(git, objects);
  if (sizes.includes(undefined)) {
    await obtain(objects.filter((_, index) => sizes[index] === undefined));
    sizes = await sizesHere(git, objects);
  }
  return sizes.map((size, index) => {
    if (size === undefined) throw new GitExit(128, `missing blob ${objects[index]}`);
    return size;
  });
}

/** `git cat-file --batch`: `<oid> blob <size>\n<bytes>\n` each. Throws GitExit for what is missing. */
export async function blobContents(git: GitCommand, objects: readonly string[]): Promise<Buffer[]> {
  if (objects.length === 0) return [];
  const output = await git.bytes(['--batch'], `${objects.join('\n')}\n`);
  let at = 0;
  return objects.map(object => {
    const newline = output.indexOf(0x0a, at);
    const header = output.subarray(at, newline).toString();
    const size = /^[0-9a-f]+ blob (\d+)$/.exec(header)?.[1];
    if (size === undefined) throw new GitExit(128, `missing blob ${object}`);
    const begin = newline + 1;
    at = begin + Number(size) + 1;
    return output.subarray(begin, at - 1);
  });
}
