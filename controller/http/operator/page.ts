/** Paging parameters of operators' lists: a cursor and a bounded limit. */
import type { Context } from 'koa';
import { Refusal } from '../problem.ts';

const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1000;

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
