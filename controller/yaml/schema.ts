/** The JSON Schemas of the four kinds, and what they find in data read from YAML. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import buildSchema from '../../schemas/build.schema.json' with { type: 'json' };
import cohortSchema from '../../schemas/cohort.schema.json' with { type: 'json' };
import policySchema from '../../schemas/policy.schema.json' with { type: 'json' };
import rolloutSchema from '../../schemas/rollout.schema.json' with { type: 'json' };
import type { Kind } from '../domain/layout.ts';
import { parseTime } from '../domain/time.ts';

export const SCHEMAS = {
  Rollout: rolloutSchema,
  Build: buildSchema,
  Cohort: cohortSchema,
  Policy: policySchema,
} as const satisfies Record<Kind, object>;

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * What the published schemas leave to us, by the name of the definition. Editors and other validators know no time
 * zones, know days such as 30 February only by a plugin, and compute `multipleOf: 0.01` with binary fractions.
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

function compile(): Record<Kind, ValidateFunction> {
  const ajv = new Ajv({ allErrors: true, verbose: true, strict: true, multipleOfPrecision: 9 });
  ajv.addFormat('date-time', { type: 'string', validate: text => parseTime(text) !== undefined });
  ajv.addFormat('iana-time-zone', { type: 'string', validate: isTimeZone });
  return {
    Rollout: ajv.compile(sharpened(SCHEMAS.Rollout)),
    Build: ajv.compile(sharpened(SCHEMAS.Build)),
    Cohort: ajv.compile(sharpened(SCHEMAS.Cohort)),
    Policy: ajv.compile(sharpened(SCHEMAS.Policy)),
  };
}

const validators = compile();

/** Everything in which this data breaks its schema; empty when it fits. */
export function schemaErrors(kind: Kind, data: unknown): readonly ErrorObject[] {
  const validate = validators[kind];
  return validate(data) ? [] : [...(validate.errors ?? [])];
}
