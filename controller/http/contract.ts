/** Checks requests against the published OpenAPI document, so that the document and the server cannot differ. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';
import type { Schemas } from '../../schemas/api.d.ts';
import { Refusal } from './problem.ts';

export type SchemaName = keyof Schemas;

export interface FieldError {
  /** JSON Pointer to the value. */
  readonly path: string;
  readonly message: string;
}

export interface Contract {
  /** Returns the value unchanged; Refusal `body_invalid` when it does not fit. */
  check<N extends SchemaName>(schema: N, value: unknown): Schemas[N];
  /** Empty when the value fits. */
  errors(schema: SchemaName, value: unknown): FieldError[];
}

const MAX_ERRORS = 20;

/** Works from the sources and from `dist`, which is one folder deeper. */
export function openapiFile(): string {
  const found = ['../../schemas/openapi.yaml', '../../../schemas/openapi.yaml']
    .map(relative => path.resolve(import.meta.dirname, relative))
    .find(file => existsSync(file));
  if (found === undefined) throw new Error('assertion: schemas/openapi.yaml is not beside the program');
  return found;
}

export function readOpenapi(): Record<string, unknown> {
  return parse(readFileSync(openapiFile(), 'utf8')) as Record<string, unknown>;
}

function told(error: ErrorObject): FieldError {
  const named: unknown = error.params.additionalProperty ?? error.params.unevaluatedProperty;
  const what = typeof named === 'string' ? `: ${JSON.stringify(named.slice(0, 64))}` : '';
  const allowed: unknown = error.params.allowedValues;
  const values = Array.isArray(allowed) ? `: ${allowed.join(', ')}` : '';
  return { path: error.instancePath, message: `${error.message ?? 'is wrong'}${what}${values}` };
}

export function makeContract(): Contract {
  const ajv = new Ajv2020({ strict: true, allErrors: false, allowUnionTypes: true });
  formats.default(ajv);
  // OpenAPI keywords that a JSON Schema validator does not know.
  ajv.addVocabulary(['openapi', 'info', 'servers', 'security', 'tags', 'paths', 'components', 'example']);
  ajv.addSchema(readOpenapi(), 'openapi');
  const compiled = new Map<SchemaName, ValidateFunction>();
  const validator = (name: SchemaName): ValidateFunction => {
    const known = compiled.get(name);
    if (known !== undefined) return known;
    const made = ajv.compile({ $ref: `openapi#/components/schemas/${name}` });
    compiled.set(name, made);
    return made;
  };
  const errors = (name: SchemaName, value: unknown): FieldError[] => {
    const validate = validator(name);
    return validate(value) ? [] : (validate.errors ?? []).slice(0, MAX_ERRORS).map(told);
  };
  return {
    errors,
    check: <N extends SchemaName>(name: N, value: unknown) => {
      const found = errors(name, value);
      const [first] = found;
      if (first !== undefined) {
        const detail = `${first.path === '' ? 'the body' : first.path} ${first.message}`;
        throw new Refusal('body_invalid', detail, { members: { errors: found } });
      }
      return value as Schemas[N];
    },
  };
}
