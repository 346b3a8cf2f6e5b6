/**
 * GitHub's published OpenAPI description as a judge: which operation a request names, and whether its parameters,
 * body and the answer are what the description says.
 */
import { createRequire } from 'node:module';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Schema = Record<string, unknown>;

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}
interface Operation {
  operationId: string;
  parameters?: ({ $ref: string } | Parameter)[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<
    string,
    { $ref: string } | { content?: Record<string, { schema: Schema; examples?: unknown }> }
  >;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, unknown>>;
}

export interface Matched {
  /** `issues/create-comment` */
  readonly operationId: string;
  readonly params: Readonly<Record<string, string>>;
  readonly operation: Operation;
}

const require = createRequire(import.meta.url);
const document = require('@octokit/openapi/generated/api.github.com.json') as Document;

const ajv = new Ajv({
  strict: false,
  allErrors: true,
  logger: false,
  coerceTypes: false,
  validateFormats: true,
});
addFormats.default(ajv);
const coercing = new Ajv({ strict: false, allErrors: true, logger: false, coerceTypes: true });
addFormats.default(coercing);

/** `{a}/{b}` → pattern; literal paths are tried before templates, as OpenAPI asks. */
const routes = Object.entries(document.paths)
  .map(([template, operations]) => ({
    operations,
    names: [...template.matchAll(/\{(\w+)\}/g)].map(m => m[1] ?? ''),
    pattern: new RegExp(`^${template.replace(/[.+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '([^/]+)')}$`),
  }))
  .sort((a, b) => a.names.length - b.names.length);

export function match(method: string, pathname: string): Matched | undefined {
  for (const { operations, names, pattern } of routes) {
    const found = pattern.exec(pathname);
    const operation = operations[method.toLowerCase()];
    if (found === null || operation === undefined) continue;
    const params = Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(found[i + 1] ?? '')]));
    return { operationId: operation.operationId, params, operation };
  }
  return undefined;
}

function resolve<T>(node: T | { $ref: string }): T {
  if (node === null || typeof node !== 'object' || !('$ref' in node)) return node as T;
  const target = (node.$ref as string)
    .split('/')
    .slice(1)
    .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document);
  return target as T;
}

/** OpenAPI 3.0 → JSON Schema: `nullable` becomes a choice with null, component references become local ones. */
function translate(node: unknown, needed: Set<string>): unknown {
  if (Array.isArray(node)) return node.map(item => translate(item, needed));
  if (node === null || typeof node !== 'object') return node;
  const { nullable, example: _one, examples: _many, ...rest } = node as Record<string, unknown>;
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (key === '$ref' && typeof value === 'string') {
      const name = value.split('/').at(-1) ?? '';
      needed.add(name);
      out.$ref = `#/definitions/${name}`;
    } else out[key] = translate(value, needed);
  }
  return nullable === true ? { anyOf: [out, { type: 'null' }] } : out;
}

/** The schema with every component it reaches beside it, so that Ajv compiles only what is used. */
function selfContained(schema: Schema): Schema {
  const needed = new Set<string>();
  const definitions: Record<string, unknown> = {};
  const root = translate(schema, needed) as Schema;
  for (const name of needed) definitions[name] = translate(document.components.schemas?.[name], needed);
  return { ...root, definitions };
}

const compiled = new Map<string, ValidateFunction>();
function validator(key: string, schema: () => Schema, by = ajv): ValidateFunction {
  let validate = compiled.get(key);
  if (validate === undefined) {
    validate = by.compile(selfContained(schema()));
    compiled.set(key, validate);
  }
  return validate;
}

const told = (what: string, validate: ValidateFunction): string[] =>
  (validate.errors ?? [])
    .slice(0, 5)
    .map(e => `${what}${e.instancePath}: ${e.message ?? 'invalid'} ${JSON.stringify(e.params)}`);

/** What is wrong with the request; a body field the description does not know counts as wrong too. */
export function judgeRequest(matched: Matched, query: URLSearchParams, body: Json | undefined): string[] {
  const { operation, operationId, params } = matched;
  const parameters = (operation.parameters ?? []).map(p => resolve<Parameter>(p));
  const wrong: string[] = [];
  for (const name of query.keys())
    if (!parameters.some(p => p.in === 'query' && p.name === name)) wrong.push(`query ${name}: unknown`);
  for (const parameter of parameters) {
    if (parameter.in === 'header') continue;
    const value = parameter.in === 'path' ? params[parameter.name] : (query.get(parameter.name) ?? undefined);
    if (value === undefined) {
      if (parameter.required === true) wrong.push(`${parameter.in} ${parameter.name}: missing`);
      continue;
    }
    const check = validator(
      `${operationId} ${parameter.name}`,
      () => ({ type: 'object', properties: { value: parameter.schema } }),
      coercing,
    );
    if (!check({ value })) wrong.push(...told(`${parameter.in} ${parameter.name}`, check));
  }
  const schema = operation.requestBody?.content['application/json']?.schema;
  if (schema === undefined) {
    if (body !== undefined) wrong.push('body: none is described');
    return wrong;
  }
  if (body === undefined) {
    if (operation.requestBody?.required === true) wrong.push('body: missing');
    return wrong;
  }
  const check = validator(`${operationId} body`, () =>
    'properties' in schema ? { ...schema, additionalProperties: false } : schema,
  );
  if (!check(body)) wrong.push(...told('body', check));
  return wrong;
}

/** The description leaves these out of many operations; the REST guide says that any may give them. */
const EVERYWHERE: Readonly<Record<number, { $ref: string }>> = {
  401: { $ref: '#/components/responses/requires_authentication' },
  403: { $ref: '#/components/responses/forbidden' },
  404: { $ref: '#/components/responses/not_found' },
  422: { $ref: '#/components/responses/validation_failed' },
};

/** What is wrong with an answer of the stand-in itself: it may not teach the client what GitHub never says. */
export function judgeResponse(matched: Matched, status: number, body: Json | undefined): string[] {
  const described = matched.operation.responses[String(status)] ?? EVERYWHERE[status];
  if (described === undefined) return [`status ${status} is not described for ${matched.operationId}`];
  const schema = resolve<{ content?: Record<string, { schema: Schema }> }>(described).content?.[
    'application/json'
  ]?.schema;
  if (schema === undefined) return body === undefined ? [] : [`${matched.operationId} ${status} has no body`];
  const check = validator(`${matched.operationId} ${status}`, () => schema);
  return check(body) ? [] : told(`${matched.operationId} ${status}`, check);
}

/** A published example, to be overlaid with what the stand-in knows. */
export function example(name: string): Record<string, Json> {
  const found = document.components.examples?.[name] as
    | { value: Record<string, Json> | Record<string, Json>[] }
    | undefined;
  if (found === undefined) throw new Error(`the description has no example ${name}`);
  const value = Array.isArray(found.value) ? found.value[0] : found.value;
  return structuredClone(value ?? {});
}

export type { Json };
