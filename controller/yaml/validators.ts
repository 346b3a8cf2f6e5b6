/**
 * The validators of the four kinds. The build replaces this file with their compiled form (scripts/precompile.ts),
 * because compiling them takes longer than a whole `ota validate`.
 */
import { Ajv, type Options, type ValidateFunction } from 'ajv';
import buildSchema from '../../schemas/build.schema.json' with { type: 'json' };
import cohortSchema from '../../schemas/cohort.schema.json' with { type: 'json' };
import policySchema from '../../schemas/policy.schema.json' with { type: 'json' };
import rolloutSchema from '../../schemas/rollout.schema.json' with { type: 'json' };
import type { Kind } from '../domain/layout.ts';
import { FORMATS } from './formats.ts';

export const SCHEMAS = {
  Rollout: rolloutSchema,
  Build: buildSchema,
  Cohort: cohortSchema,
  Policy: policySchema,
} as const satisfies Record<Kind, object>;

/**
 * Checks that the published schemas leave out, by the name of the definition. Editors and other validators do not know
 * time zones, reject days such as 30 February only with a plugin, and compute `multipleOf: 0.01` in binary fractions.
 */
const SHARPER: Readonly<Record<string, object>> = {
  time: { pattern: undefined, format: 'date-time' },
  timeZone: { pattern: undefined, format: 'iana-time-zone' },
  percent: { multipleOf: 0.01 },
};

function sharpened<T extends { readonly definitions?: Readonly<Record<string, object>> }>(schema: T): object {
  const definitions = Object.entries(schema.definitions ?? {}).map(([name, definition]) => {
    const all = Object.entries({ ...definition, ...SHARPER[name] });
    return [name, Object.fromEntries(all.filter(([, value]) => value !== undefined))];
  });
  return { ...schema, definitions: Object.fromEntries(definitions) };
}

export const AJV_OPTIONS = {
  allErrors: true,
  verbose: true,
  strict: true,
  multipleOfPrecision: 9,
  formats: FORMATS,
} as const satisfies Options;

/** The published schema of this kind with the stricter checks added. This is what is compiled. */
export const schemaOf = (kind: Kind): object => sharpened(SCHEMAS[kind]);

const ajv = new Ajv(AJV_OPTIONS);
const validators = new Map<Kind, ValidateFunction>();

/** Compiled when the first file of its kind is read. */
export function validatorOf(kind: Kind): ValidateFunction {
  const known = validators.get(kind);
  if (known !== undefined) return known;
  const made = ajv.compile(schemaOf(kind));
  validators.set(kind, made);
  return made;
}
