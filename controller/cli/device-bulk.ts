/** One change to many devices: prints the counts first, and changes devices only with `--yes`. */
import type { Command } from 'commander';
import type * as Api from '../../schemas/api.d.ts';
import { Fault } from '../domain/fault.ts';
import { countText } from '../domain/plan/words.ts';
import type { Client } from './client.ts';
import { type DeviceFilterOptions, filterOptions, selectIds } from './device-select.ts';
import { EXIT, type ExitCode, type Io, outJson } from './io.ts';

export interface BulkOptions extends DeviceFilterOptions {
  readonly file?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

type Change = Pick<Api.DeviceBulkRequest, 'action' | 'add' | 'remove'>;

const BATCH = 1000;
const TIMEOUT_MS = 120_000;
const DONE = { tag: 'tagged', revoke: 'revoked', delete: 'deleted' } as const;

/** Adds the options that select many devices and confirm the change. */
export const bulkOptions = (command: Command): Command =>
  filterOptions(command)
    .option('--file <file>', 'the devices in this file: ids, CSV or JSON; - is standard input')
    .option('--yes', 'make the change')
    .option('--dry-run', 'show what would change, and change nothing');

/** Exit code 0 with `--dry-run` or after the change; Fault `confirmation_needed` without `--yes`. */
export async function changeDevices(
  client: Client,
  change: Change,
  options: BulkOptions,
  io: Io,
): Promise<ExitCode> {
  const ids = await selectIds(client, options, io);
  const told = await inBatches(client, change, ids, true);
  io.err(`${ids.length === 0 ? 'no device matches' : foretold(change, ids.length, told)}\n`);
  if (options.dryRun === true || ids.length === 0) {
    if (options.json === true) outJson(io, told);
    return EXIT.fine;
  }
  if (options.yes !== true)
    throw new Fault('confirmation_needed', 'nothing was changed\n  to make the change, add --yes', {
      retry: 'never',
    });
  const done = await inBatches(client, change, ids, false);
  if (options.json === true) outJson(io, done);
  else io.out(`${DONE[change.action]} ${countText(done.changed, 'device')}\n`);
  return EXIT.fine;
}

function foretold({ action }: Change, named: number, told: Api.DeviceBulkResult): string {
  const { changed, unchanged, unknown, leaving_canaries, unknown_devices } = told;
  return [
    `${countText(named, 'device')}: ${changed} to ${action}`,
    ...(unchanged > 0 ? [`${unchanged} need no change`] : []),
    ...(unknown > 0
      ? [`${unknown} not enrolled (${unknown_devices.slice(0, 3).join(', ')}${unknown > 3 ? ', …' : ''})`]
      : []),
    ...(leaving_canaries > 0 ? [`${leaving_canaries} would leave the canaries of the rollout`] : []),
    ...(action === 'delete' && changed > 0 ? ['their history is deleted for good'] : []),
  ].join('; ');
}

/** Adds up the batches. An error says how many devices were changed; running the command again does the rest. */
async function inBatches(
  client: Client,
  change: Change,
  ids: readonly string[],
  dryRun: boolean,
): Promise<Api.DeviceBulkResult> {
  const sum: Api.DeviceBulkResult = {
    action: change.action,
    dry_run: dryRun,
    changed: 0,
    unchanged: 0,
    unknown: 0,
    unknown_devices: [],
    leaving_canaries: 0,
  };
  for (let from = 0; from < ids.length; from += BATCH) {
    const json = { ...change, devices: ids.slice(from, from + BATCH), dry_run: dryRun };
    const batch = await send(client, json, { done: sum.changed, of: ids.length });
    sum.changed += batch.changed;
    sum.unchanged += batch.unchanged;
    sum.unknown += batch.unknown;
    sum.leaving_canaries += batch.leaving_canaries;
    sum.unknown_devices = [...sum.unknown_devices, ...batch.unknown_devices].slice(0, 20);
  }
  return sum;
}

async function send(
  client: Client,
  json: Api.DeviceBulkRequest,
  { done, of }: { done: number; of: number },
): Promise<Api.DeviceBulkResult> {
  try {
    const answer = await client.call({
      method: 'POST',
      path: '/v1/devices/bulk',
      query: { yes: json.dry_run === true ? undefined : 'true' },
      json,
      timeoutMs: TIMEOUT_MS,
    });
    return answer.json as Api.DeviceBulkResult;
  } catch (error) {
    if (!(error instanceof Fault) || json.dry_run === true || done === 0) throw error;
    const more = `${done} of ${of} devices were changed: run the same command again to change the rest`;
    throw new Fault(error.code, `${error.message}\n  ${more}`, { retry: error.retry, cause: error });
  }
}
