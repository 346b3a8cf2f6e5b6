/** Checks data read from YAML against the JSON Schemas of the four kinds. */
import type { ErrorObject } from 'ajv';
import type { Kind } from '../domain/layout.ts';
import { validatorOf } from './validators.ts';

/** All schema errors of this data; empty if it is valid. */
export function schemaErrors(kind: Kind, data: unknown): readonly ErrorObject[] {
  const validate = validatorOf(kind);
  return validate(data) ? [] : [...(validate.errors ?? [])];
}
