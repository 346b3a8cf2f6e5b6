/** Contents by object name. Objects that the mirror does not have are fetched by name first. */
import { type GitCommand, GitExit } from './command.ts';

/** Fetches objects by name. Not needed for a repository on this machine, which has all objects. */
export type Obtain = (objects: readonly string[]) => Promise<void>;
export const nothingToObtain: Obtain = async () => undefined;

/** Reads lines `<oid> blob <size>`. All are undefined if Git stopped at an object that it may not fetch. */
async function sizesHere(git: GitCommand, objects: readonly string[]): Promise<(number | undefined)[]> {
  let output: string;
  try {
    output = await git.text(['cat-file', '--batch-check'], undefined, `${objects.join('\n')}\n`);
  } catch (error) {
    if (error instanceof GitExit && /promisor|lazy|could not fetch/i.test(error.output))
      return objects.map(() => undefined);
    throw error;
  }
  return output
    .split('\n')
    .slice(0, objects.length)
    .map(line => / blob (\d+)$/.exec(line)?.[1])
    .map(size => (size === undefined ? undefined : Number(size)));
}

/** Sizes in bytes, in the given order. Fetches missing objects first; throws GitExit if one is still missing. */
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

/** Uses `git cat-file --batch`, which prints `<oid> blob <size>\n<bytes>\n` for each. Throws GitExit if one is missing. */
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
