/** Rare and dangerous requests are refused until they say `yes=true` (`--yes` on the command line). */
import type { Context } from 'koa';
import { Refusal } from '../problem.ts';

const SHOWN_DEVICES = 20;

/** Refusal `query_invalid` for anything but true and false. */
export function isConfirmed(ctx: Context): boolean {
  const { yes } = ctx.query;
  if (yes === undefined || yes === 'false') return false;
  if (yes === 'true') return true;
  throw new Refusal('query_invalid', 'yes must be true or false');
}

/** `what` says what would happen. */
export const notConfirmed = (what: string, devices: readonly string[] = []): Refusal =>
  new Refusal(
    'confirmation_needed',
    `${what}; to do it anyway, add --yes (over HTTP: yes=true in the query)`,
    {
      members: devices.length === 0 ? {} : { devices: devices.slice(0, SHOWN_DEVICES) },
    },
  );
