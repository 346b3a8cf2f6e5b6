/** Writes schemas/release.d.ts, the types of the files of releases/, from the JSON Schemas. Run: node --import tsx scripts/release-types.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { compile, type JSONSchema } from 'json-schema-to-typescript';

const file = (name: string) => new URL(`../schemas/${name}`, import.meta.url);

const KINDS = ['rollout', 'build', 'cohort', 'policy'];

const BANNER = `/**
 * The files of releases/ once their schemas have passed them. Generated from *.schema.json: do not edit, run
 * \`node --import tsx scripts/release-types.ts\`.
 */
`;

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** References are written out, and what types cannot say (conditions, texts for messages) is left out. */
function plain(value: Json, definitions: Readonly<Record<string, Json>>): Json {
  if (Array.isArray(value)) return value.map(item => plain(item, definitions));
  if (value === null || typeof value !== 'object') return value;
  const { $ref, ...own } = value as { readonly [key: string]: Json };
  const target = typeof $ref === 'string' ? definitions[$ref.replace('#/definitions/', '')] : undefined;
  const all = { ...(target as object | undefined), ...own } as { readonly [key: string]: Json };
  const left = Object.entries(all).filter(
    ([key, inner]) =>
      !['oneOf', 'allOf', 'definitions'].includes(key) && !(key === 'title' && typeof inner === 'string'),
  );
  return Object.fromEntries(left.map(([key, inner]) => [key, plain(inner, definitions)]));
}

export async function releaseTypes(): Promise<string> {
  const texts: string[] = [];
  for (const kind of KINDS) {
    const schema = JSON.parse(readFileSync(file(`${kind}.schema.json`), 'utf8')) as {
      title: string;
      definitions?: Record<string, Json>;
    };
    const bare = plain(schema as unknown as Json, schema.definitions ?? {}) as JSONSchema;
    texts.push(
      await compile({ ...bare, $id: schema.title }, schema.title, {
        bannerComment: '',
        // Tuples for every bounded list would be unreadable, and bounds are checked at run time.
        ignoreMinAndMaxItems: true,
        style: { singleQuote: true, printWidth: 110 },
      }),
    );
  }
  return BANNER + texts.join('\n');
}

if (process.argv[1] === import.meta.filename) writeFileSync(file('release.d.ts'), await releaseTypes());
