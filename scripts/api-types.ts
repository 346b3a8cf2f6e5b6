/** Writes schemas/api.d.ts, the types of the API, from schemas/openapi.yaml. Run: node --import tsx scripts/api-types.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { parse } from 'yaml';

const file = (name: string) => new URL(`../schemas/${name}`, import.meta.url);

const BANNER = `/**
 * The types of the API. Generated from openapi.yaml: do not edit, run \`node --import tsx scripts/api-types.ts\`.
 */
`;

/** One exported type for each schema of the document, and `Schemas`, which maps their names to them. */
export async function apiTypes(): Promise<string> {
  const text = readFileSync(file('openapi.yaml'), 'utf8').replaceAll(
    '#/components/schemas/',
    '#/definitions/',
  );
  const document = parse(text) as { components: { schemas: Record<string, JSONSchema> } };
  const { schemas } = document.components;
  const root: JSONSchema = {
    type: 'object',
    properties: Object.fromEntries(
      Object.keys(schemas).map(name => [name, { $ref: `#/definitions/${name}` }]),
    ),
    required: Object.keys(schemas),
    additionalProperties: false,
    definitions: schemas,
  };
  return compile(root, 'Schemas', {
    bannerComment: BANNER,
    // Tuples for every bounded array would be unreadable, and bounds are checked at run time.
    ignoreMinAndMaxItems: true,
    style: { singleQuote: true, printWidth: 110 },
  });
}

if (process.argv[1] === import.meta.filename) writeFileSync(file('api.d.ts'), await apiTypes());
