/** The first line of a new file: it tells an editor which schema to check by. */
import { access } from 'node:fs/promises';
import path from 'node:path';

export type SchemaName = 'rollout' | 'build' | 'cohort' | 'policy';

/** Where the schemas lie, seen from `releases/`: `ota init` puts them beside it. */
const SCHEMAS = '../schemas';

/** The line with its line feed, or nothing where the schema is not there: a link that leads nowhere helps no editor. */
export async function modelineFor(releases: string, name: SchemaName): Promise<string> {
  const file = `${SCHEMAS}/${name}.schema.json`;
  const isThere = await access(path.join(releases, file)).then(
    () => true,
    () => false,
  );
  return isThere ? modelineOf(name) : '';
}

/** For a repository that holds the schemas. */
export function modelineOf(name: SchemaName): string {
  const up = name === 'build' || name === 'cohort' ? '../' : '';
  return `# yaml-language-server: $schema=${up}${SCHEMAS}/${name}.schema.json\n`;
}
