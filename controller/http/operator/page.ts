/** Paging parameters of operators' lists: a cursor and a bounded limit. */
import type { Context } from 'koa';
import { Refusal } from '../problem.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

export interface Page {
  readonly after: string | undefined;
  readonly limit: number;
}

/** `?<cursor>=…&limit=…`; Refusal `query_invalid` when either is wrong. */
export function pageOf(ctx: Context, cursor: string, valid: (text: string) => boolean): Page {
  const after = ctx.query[cursor];
  if (after !== undefined && (typeof after !== 'string' || !valid(after)))
    throw new Refusal(
      'query_invalid',
      `${cursor} is not valid: use the value that the previous page returned`,
    );
  const { limit } = ctx.query;
  if (limit === undefined) return { after, limit: DEFAULT_LIMIT };
  if (typeof limit !== 'string' || !/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > MAX_LIMIT)
    throw new Refusal('query_invalid', `limit must be a whole number from 1 to ${MAX_LIMIT}`);
  return { after, limit: Number(limit) };
}

export const isRowId = (text: string): boolean => /^[1-9]\d{0,14}$/.test(text);

/** One query parameter, or undefined when it is not given; Refusal `query_invalid` when `read` returns undefined. */
export function queryOf<T>(
  ctx: Context,
  name: string,
  expected: string,
  read: (text: string) => T | undefined,
): T | undefined {
  const text = ctx.query[name];
  if (text === undefined) return undefined;
  const value = typeof text === 'string' ? read(text) : undefined;
  if (value === undefined) throw new Refusal('query_invalid', `${name} is not valid: expected ${expected}`);
  return value;
}

/** A whole number of at most 10 digits within the limits. */
export const wholeQuery = (ctx: Context, name: string, min: number, max: number): number | undefined =>
  queryOf(ctx, name, `a whole number from ${min} to ${max}`, text => {
    const value = Number(text);
    return /^\d{1,10}$/.test(text) && value >= min && value <= max ? value : undefined;
  });

export const oneOfQuery = <T extends string>(
  ctx: Context,
  name: string,
  values: readonly T[],
): T | undefined =>
  queryOf(ctx, name, `one of ${values.join(', ')}`, text => values.find(value => value === text));
