/** What the JSON Schemas of the four kinds find in data read from YAML. */
import type { ErrorObject } from 'ajv';
import type { Kind } from '../domain/layout.ts';
import { validatorOf } from './validators.ts';

/** Everything in which this data breaks its schema; empty when it fits. */
export function schemaErrors(kind: Kind, data: unknown): readonly ErrorObject[] {
  const validate = validatorOf(kind);
  return validate(data) ? [] : [...(validate.errors ?? [])];
}
