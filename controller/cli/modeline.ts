/** The first line of a new file. It tells editors which schema to use. */
import { access } from 'node:fs/promises';
import path from 'node:path';

export type SchemaName = 'rollout' | 'build' | 'cohort' | 'policy';

/** The folder of the schemas relative to `releases/`, as `ota init` writes it. */
const SCHEMAS = '../schemas';

/** The line with its line feed, or an empty text if the schema file does not exist. */
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
