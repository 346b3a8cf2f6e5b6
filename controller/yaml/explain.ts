/** Turns schema errors into messages for the author of the file. */
import type { ErrorObject } from 'ajv';
import { nearest } from '../domain/nearest.ts';
import { type Problem, type ProblemCode, renderPath } from '../domain/problem.ts';
import type { DataPath, Place, Places } from './place.ts';

/** More problems than this in one file are not useful. */
const MAX_PER_FILE = 100;
/** The time to look up a place grows with the size of the file. */
const MAX_EXPLAINED = 300;

interface Located {
  readonly code: ProblemCode;
  readonly path: DataPath;
  readonly place: Place;
  readonly message: string;
  readonly hint?: string | undefined;
}

interface Context {
  readonly data: unknown;
  readonly places: Places;
}

/**
 * The problems of one file, each once. If a key is mistyped, it is not also reported as missing. Errors of schema
 * combinators (`allOf`, `if`) are left out.
 */
export function explain(file: string, context: Context, errors: readonly ErrorObject[]): Problem[] {
  const all = errors.slice(0, MAX_EXPLAINED).flatMap(error => explainOne(error, context) ?? []);
  const misspelt = new Set(all.flatMap(({ code, path, hint }) => misspeltOf(code, path, hint)));
  const kept = all.filter(p => !(p.code === 'missing_key' && misspelt.has(renderPath(p.path))));
  const exposureMisspelt = misspelt.has('rollout_percent') || misspelt.has('ramp');
  return kept
    .filter(p => !(p.code === 'exposure_missing' && exposureMisspelt))
    .slice(0, MAX_PER_FILE)
    .map(({ code, path, place, message, hint }) => ({
      severity: 'error',
      code,
      file,
      ...place,
      path: renderPath(path),
      message,
      hint,
    }));
}

const misspeltOf = (code: ProblemCode, path: DataPath, hint: string | undefined): string[] => {
  const meant = code === 'unknown_key' ? /^did you mean ([a-z_]+)\?$/.exec(hint ?? '')?.[1] : undefined;
  return meant === undefined ? [] : [renderPath([...path.slice(0, -1), meant])];
};

function explainOne(error: ErrorObject, context: Context): Located | undefined {
  const path = pathOf(error.instancePath, context.data);
  const { places } = context;
  const params: Record<string, unknown> = error.params;
  // These conditions exist for editors. The rules report the same mistakes with better messages.
  if (/^#\/(oneOf|allOf)\//.test(error.schemaPath)) return undefined;
  const gate = ofGate(error, path, context);
  if (gate !== undefined) return gate;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(error, [...path, String(params.additionalProperty)], places);
    case 'required': {
      const key = String(params.missingProperty);
      const message = `${[...path, key].join('.')} is missing`;
      return {
        code: 'missing_key',
        path: [...path, key],
        place: places.value(path),
        message,
        hint: whatItIs(error, key),
      };
    }
    case 'oneOf':
      // If the data is not a map, the wrong type is already reported.
      if (typeof context.data !== 'object' || context.data === null || Array.isArray(context.data))
        return undefined;
      return exposure(params.passingSchemas !== null, places);
    case 'type':
      return { code: 'wrong_type', path, place: places.value(path), ...wrongType(error, path, places) };
    case 'const':
      return wrongConstant(error, path, places);
    case 'uniqueItems':
      return {
        code: 'invalid_value',
        path: [...path, Number(params.i)],
        place: places.value([...path, Number(params.i)]),
        message: 'duplicate entry',
        hint: 'remove one of the two',
      };
    default:
      return { code: 'invalid_value', path, place: places.value(path), ...invalid(error, path) };
  }
}

/** An unreadable limit, or a gate that cannot judge anything, is an error. It never means "no gate". */
function ofGate(error: ErrorObject, path: DataPath, { data, places }: Context): Located | undefined {
  const at = path.join('.');
  if (/^ramp\.gate\.(install_fail_ratio_max|silence_max)$/.test(at))
    return {
      code: 'gate_limit',
      path,
      place: places.value(path),
      message: `${renderPath(path)} must be a number above 0 and at most 0.1`,
      hint: 'it is a share of devices: 0.02 accepts two of a hundred',
    };
  const { additionalProperty, missingProperty } = error.params as Record<string, unknown>;
  const strayed = error.keyword === 'additionalProperties' && additionalProperty === 'gate' && at === '';
  const stepless = error.keyword === 'required' && missingProperty === 'steps' && at === 'ramp';
  const { ramp } = (data ?? {}) as { ramp?: { gate?: unknown } };
  if (!strayed && !(stepless && ramp?.gate !== undefined)) return undefined;
  const key = strayed ? ['gate'] : ['ramp', 'gate'];
  return {
    code: 'gate_scope',
    path: key,
    place: places.key(key),
    message: 'a gate must be inside a ramp that has steps',
    hint: 'move gate into ramp, next to steps',
  };
}

/** JSON pointer → keys and indices. A part is a number only if the data is a list there. */
function pathOf(pointer: string, data: unknown): DataPath {
  let inner: unknown = data;
  return pointer
    .split('/')
    .slice(1)
    .map(part => {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const step = Array.isArray(inner) ? Number(key) : key;
      inner = (inner as Record<string, unknown> | undefined)?.[key];
      return step;
    });
}

const short = (text: string): string => JSON.stringify(text.length > 64 ? `${text.slice(0, 63)}…` : text);

const propertiesOf = (error: ErrorObject): Record<string, { title?: string; description?: string }> =>
  (error.parentSchema?.properties ?? {}) as Record<string, { title?: string; description?: string }>;

const whatItIs = (error: ErrorObject, key: string): string | undefined =>
  propertiesOf(error)[key]?.description;

function unknownKey(error: ErrorObject, path: DataPath, places: Places): Located {
  const key = String(path.at(-1));
  const known = Object.keys(propertiesOf(error));
  const snake = key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
  const meant = known.includes(snake) ? snake : nearest(key, known);
  return {
    code: 'unknown_key',
    path,
    place: places.key(path),
    message: `unknown key ${short(key)}`,
    hint: key === '<<' ? 'merge keys are not supported: write the values out' : didYouMean(meant, known),
  };
}

const didYouMean = (meant: string | undefined, known: readonly string[]): string =>
  meant === undefined ? `known keys: ${known.join(', ')}` : `did you mean ${meant}?`;

const exposure = (both: boolean, places: Places): Located =>
  both
    ? {
        code: 'exposure_both',
        path: ['ramp'],
        place: places.key(['ramp']),
        message: 'rollout_percent and ramp are both present, but only one of them can set the exposure',
        hint: 'remove one of them',
      }
    : {
        code: 'exposure_missing',
        path: ['rollout_percent'],
        place: places.value([]),
        message:
          'rollout_percent or ramp is missing, so it is not clear how many devices are offered current',
        hint: 'add rollout_percent: 0 to offer it to canaries only',
      };

function wrongConstant(error: ErrorObject, path: DataPath, places: Places): Located {
  const wanted = String((error.params as { allowedValue?: unknown }).allowedValue);
  const isKind = path.at(-1) === 'kind';
  return {
    code: isKind ? 'unknown_kind' : 'invalid_value',
    path,
    place: places.value(path),
    message: isKind
      ? `this file must be of kind ${wanted}, not ${short(String(error.data))}`
      : `${path.join('.')} must be ${wanted}`,
    hint: nearest(String(error.data), [wanted]) === undefined ? `write ${wanted}` : `did you mean ${wanted}?`,
  };
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
};

function nounOf(data: unknown): string {
  if (data === null || data === undefined) return 'empty';
  if (Array.isArray(data)) return 'a list';
  if (typeof data === 'boolean') return `the truth value ${data}`;
  if (Number.isNaN(data)) return 'not a number (.nan)';
  if (data === Number.POSITIVE_INFINITY || data === Number.NEGATIVE_INFINITY) return 'infinity (.inf)';
  return NOUNS[typeof data] ?? typeof data;
}

function wrongType(
  error: ErrorObject,
  path: DataPath,
  places: Places,
): { message: string; hint: string | undefined } {
  const wanted = String((error.params as { type?: unknown }).type);
  const name = path.length === 0 ? 'the file' : renderPath(path);
  return {
    message: `${name} must be ${NOUNS[wanted] ?? wanted}, but is ${nounOf(error.data)}`,
    hint: typeHint(wanted, error.data, places.source(path)),
  };
}

const BOOLEANS: Readonly<Record<string, string>> = {
  yes: 'true',
  on: 'true',
  true: 'true',
  no: 'false',
  off: 'false',
  false: 'false',
};

function typeHint(wanted: string, data: unknown, source: string | undefined): string | undefined {
  if (data === null && (source === '' || source === undefined)) return 'give it a value, or remove the key';
  if (wanted === 'string' && typeof data !== 'object' && source !== undefined)
    return `quote it: ${short(source)}`;
  if (wanted === 'string' && data === null && source !== undefined) return `quote it: ${short(source)}`;
  if (wanted === 'boolean' && typeof data === 'string' && BOOLEANS[data.toLowerCase()] !== undefined)
    return `write ${BOOLEANS[data.toLowerCase()]}, without quotes`;
  if ((wanted === 'number' || wanted === 'integer') && typeof data === 'string')
    return /^-?\d+(\.\d+)?\s*%$/.test(data)
      ? 'write it without the % sign'
      : 'write a plain number without quotes';
  if (wanted === 'array' && typeof data !== 'object') return 'write a list: [a, b]';
  return undefined;
}

function invalid(error: ErrorObject, path: DataPath): { message: string; hint: string | undefined } {
  const name = renderPath(path);
  const params = error.params as { limit?: number; allowedValues?: readonly unknown[] };
  const { title } = error.parentSchema as { title?: string };
  const values = (params.allowedValues ?? []).map(String);
  switch (error.keyword) {
    case 'enum': {
      const meant = nearest(String(error.data), values);
      const hint = meant === undefined ? undefined : `did you mean ${meant}?`;
      return { message: `${name} must be one of: ${values.join(', ')}`, hint };
    }
    case 'minimum':
      return { message: `${name} must be at least ${params.limit}`, hint: undefined };
    case 'maximum':
      return { message: `${name} must be at most ${params.limit}`, hint: undefined };
    case 'multipleOf':
      return { message: `${name} may have at most two decimals`, hint: undefined };
    case 'minItems':
      return { message: `${name} needs at least ${params.limit} entry`, hint: undefined };
    case 'maxItems':
      return { message: `${name} has more than ${params.limit} entries`, hint: undefined };
    default:
      return {
        message: `${name} must be ${title ?? 'another value'}`,
        hint: error.keyword === 'format' && title?.startsWith('a time') ? timeHint(error.data) : undefined,
      };
  }
}

const timeHint = (data: unknown): string | undefined =>
  /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?$/.test(String(data))
    ? 'add the offset: Z for UTC, or such as +01:00'
    : undefined;
