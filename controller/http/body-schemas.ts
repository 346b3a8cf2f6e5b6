/**
 * The validators of request bodies, from the published OpenAPI document. A build replaces this file by their compiled
 * form (scripts/precompile.ts), because reading the document and compiling its schemas takes longer than the rest of a
 * start.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020, type Options, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';
import type { Schemas } from '../../schemas/api.d.ts';

/** The schemas that bodies are checked against. */
export const BODY_SCHEMAS = [
  'ActionResult',
  'AdminTokenRequest',
  'BrakeRequest',
  'DeviceBulkRequest',
  'EnrolRequest',
  'ExamineRequest',
  'ImportRow',
  'NotifyTestRequest',
  'PushToken',
  'ReconcileRequest',
  'ResumeRequest',
  'RotateRequest',
  'TagsRequest',
] as const satisfies readonly (keyof Schemas)[];
export type BodySchema = (typeof BODY_SCHEMAS)[number];

export const readOpenapi = (): Record<string, unknown> =>
  parse(readFileSync(path.resolve(import.meta.dirname, '../../schemas/openapi.yaml'), 'utf8'));

/** The path of one schema in {@link bodyAjv}. */
export const bodyRef = (name: BodySchema): string => `openapi#/components/schemas/${name}`;

/** `more`: options for the generated code. */
export function bodyAjv(more: Options = {}): Ajv2020 {
  const ajv = new Ajv2020({ strict: true, allErrors: false, allowUnionTypes: true, ...more });
  formats.default(ajv);
  // OpenAPI keywords that a JSON Schema validator does not know.
  ajv.addVocabulary(['openapi', 'info', 'servers', 'security', 'tags', 'paths', 'components', 'example']);
  ajv.addSchema(readOpenapi(), 'openapi');
  return ajv;
}

let ajv: Ajv2020 | undefined;

/** Compiled when the first such body comes. */
export function bodyValidator(name: BodySchema): ValidateFunction {
  ajv ??= bodyAjv();
  const found = ajv.getSchema(bodyRef(name));
  if (found === undefined) throw new Error(`assertion: ${name} is not in openapi.yaml`);
  return found;
}
