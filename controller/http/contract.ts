/** Checks requests against the published OpenAPI document, so that the document and the server cannot differ. */
import type { ErrorObject } from 'ajv';
import type { Schemas } from '../../schemas/api.d.ts';
import { type BodySchema, bodyValidator } from './body-schemas.ts';
import { Refusal } from './problem.ts';

interface FieldError {
  /** JSON Pointer to the value. */
  readonly path: string;
  readonly message: string;
}

export interface Contract {
  /** Returns the value unchanged; Refusal `body_invalid` when it does not fit. */
  check<N extends BodySchema>(schema: N, value: unknown): Schemas[N];
  /** Empty when the value fits. */
  errors(schema: BodySchema, value: unknown): FieldError[];
}

const MAX_ERRORS = 20;

function told(error: ErrorObject): FieldError {
  const named: unknown = error.params.additionalProperty ?? error.params.unevaluatedProperty;
  const what = typeof named === 'string' ? `: ${JSON.stringify(named.slice(0, 64))}` : '';
  const allowed: unknown = error.params.allowedValues;
  const values = Array.isArray(allowed) ? `: ${allowed.join(', ')}` : '';
  return { path: error.instancePath, message: `${error.message ?? 'is wrong'}${what}${values}` };
}

export function makeContract(): Contract {
  const errors = (name: BodySchema, value: unknown): FieldError[] => {
    const validate = bodyValidator(name);
    return validate(value) ? [] : (validate.errors ?? []).slice(0, MAX_ERRORS).map(told);
  };
  return {
    errors,
    check: <N extends BodySchema>(name: N, value: unknown) => {
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
