/** Holds answers to the published OpenAPI document: the status must be named there and the body must fit its schema. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { readOpenapi } from '../../controller/http/body-schemas.ts';

interface Response {
  readonly $ref?: string;
  readonly headers?: Record<string, unknown>;
  readonly content?: Record<string, { readonly schema: unknown; readonly example?: unknown }>;
}
interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly responses: Record<string, Response>;
  readonly requestBody?: { readonly content: Record<string, unknown> };
}
interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly responses: Record<string, Response>;
    readonly schemas: Record<string, { readonly enum?: readonly string[] }>;
  };
}

export const openapi = readOpenapi() as unknown as Document;

const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
formats.default(ajv);
ajv.addVocabulary(['openapi', 'info', 'servers', 'security', 'tags', 'paths', 'components']);
ajv.addSchema(openapi, 'openapi');
const validators = new Map<string, ValidateFunction>();

const pointerPart = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1');

function validatorAt(pointer: string): ValidateFunction {
  const known = validators.get(pointer);
  if (known !== undefined) return known;
  const made = ajv.compile({ $ref: `openapi#${encodeURI(pointer)}` });
  validators.set(pointer, made);
  return made;
}

/** `get /v1/devices/{device_id}`, in the order of the document; HEAD goes with GET. */
export const operations = (): string[] =>
  Object.entries(openapi.paths).flatMap(([path, item]) =>
    Object.keys(item).flatMap(method => (method === 'head' ? [] : [`${method} ${path}`])),
  );

/** Sent with any answer: by Node's HTTP, by a proxy, for the body that the document describes, or by a setting. */
const ANY = [
  'connection',
  'content-length',
  'content-type',
  'date',
  'keep-alive',
  'strict-transport-security',
];
const EVERYWHERE: ReadonlySet<string> = new Set([...ANY, 'server', 'transfer-encoding', 'vary']);

function strangeHeaders(given: readonly string[], response: Response | undefined): string[] {
  const named = new Set(Object.keys(response?.headers ?? {}).map(name => name.toLowerCase()));
  return given.filter(name => !EVERYWHERE.has(name) && !named.has(name));
}

const responseOf = (given: Response): Response | undefined =>
  given.$ref === undefined ? given : openapi.components.responses[given.$ref.split('/').at(-1) ?? ''];

/** Whether an operation's answer is a problem. */
export const isProblem = (response: Response): boolean =>
  responseOf(response)?.content?.['application/problem+json'] !== undefined;

function operationOf(method: string, path: string): { pointer: string; operation: Operation } | undefined {
  const wanted = method === 'HEAD' ? 'get' : method.toLowerCase();
  // A literal segment beats a parameter: /v1/devices/import is not a device.
  const templates = Object.keys(openapi.paths).sort((a, b) => a.split('{').length - b.split('{').length);
  for (const template of templates) {
    const pattern = new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`);
    const operation = openapi.paths[template]?.[wanted];
    if (pattern.test(path) && operation !== undefined)
      return { pointer: `/paths/${pointerPart(template)}/${wanted}`, operation };
  }
  return undefined;
}

/** What of this answer the document does not say; empty when all is documented. Paths it does not know are skipped. */
export function undocumented(
  request: { method: string; path: string },
  answer: {
    status: number;
    type: string | undefined;
    /** Lower-case names. */
    headers?: readonly string[];
    body: Buffer;
  },
): string[] {
  const found = operationOf(request.method, request.path);
  if (found === undefined) return [];
  const { operation } = found;
  const given = operation.responses[String(answer.status)];
  if (given === undefined) return [`status ${answer.status} of ${operation.operationId} is not documented`];
  const shared = given.$ref?.split('/').at(-1);
  const response = responseOf(given);
  const strange = strangeHeaders(answer.headers ?? [], response);
  if (strange.length > 0)
    return strange.map(name => `${operation.operationId} ${answer.status} has an undocumented ${name}`);
  const base =
    shared === undefined ? `${found.pointer}/responses/${answer.status}` : `/components/responses/${shared}`;
  if (response?.content === undefined)
    return answer.body.length === 0
      ? []
      : [`${operation.operationId} ${answer.status} has an undocumented body`];
  if (request.method === 'HEAD') return [];
  const type = answer.type?.split(';')[0] ?? '';
  if (response.content[type] === undefined)
    return [
      `${operation.operationId} ${answer.status} is ${type || 'untyped'}, not ${Object.keys(response.content)}`,
    ];
  if (!type.endsWith('json')) return [];
  const validate = validatorAt(`${base}/content/${pointerPart(type)}/schema`);
  return validate(JSON.parse(answer.body.toString()))
    ? []
    : (validate.errors ?? []).map(
        e => `${operation.operationId} ${answer.status} ${e.instancePath} ${e.message}`,
      );
}
