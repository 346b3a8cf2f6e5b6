/** The JSON Schemas of the four kinds, and their verdict on data that YAML gave. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import buildSchema from '../../schemas/build.schema.json' with { type: 'json' };
import cohortSchema from '../../schemas/cohort.schema.json' with { type: 'json' };
import policySchema from '../../schemas/policy.schema.json' with { type: 'json' };
import rolloutSchema from '../../schemas/rollout.schema.json' with { type: 'json' };
import type { Kind } from '../domain/layout.ts';

export const SCHEMAS = {
  Rollout: rolloutSchema,
  Build: buildSchema,
  Cohort: cohortSchema,
  Policy: policySchema,
} as const satisfies Record<Kind, object>;

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** RFC 3339 with its offset → Unix ms; undefined for anything else, 30 February and leap seconds included. */
export function parseTime(text: string): number | undefined {
  const day = Number(text.slice(8, 10));
  if (!TIME.test(text) || Number(text.slice(5, 7)) > 12) return undefined;
  // Date.parse moves 31 April to 1 May instead of refusing it.
  const lastDay = new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate();
  const ms = Date.parse(text);
  return day <= lastDay && Number.isFinite(ms) ? ms : undefined;
}

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function compile(): Record<Kind, ValidateFunction> {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    multipleOfPrecision: 9,
    strict: true,
    strictRequired: false,
  });
  ajv.addFormat('date-time', { type: 'string', validate: text => parseTime(text) !== undefined });
  ajv.addFormat('iana-time-zone', { type: 'string', validate: isTimeZone });
  return {
    Rollout: ajv.compile(SCHEMAS.Rollout),
    Build: ajv.compile(SCHEMAS.Build),
    Cohort: ajv.compile(SCHEMAS.Cohort),
    Policy: ajv.compile(SCHEMAS.Policy),
  };
}

const validators = compile();

/** Everything the schema has against this data; empty when it fits. */
export function schemaErrors(kind: Kind, data: unknown): readonly ErrorObject[] {
  const validate = validators[kind];
  return validate(data) ? [] : [...(validate.errors ?? [])];
}
