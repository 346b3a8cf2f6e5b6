/**
 * Reads the changes of all controllers on one PostgreSQL database into memory, in the order of the commits (migration
 * 0025). A controller's own changes arrive the same way, so memory is always read from the database and never computed
 * from what was written. So two controllers that change one device at once end with the same memory.
 */
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';
import type { DeviceId } from '../domain/ids.ts';
import { type InTurn, makeTurns } from '../domain/turns.ts';
import type { Feed, Topic } from '../ports/index.ts';
import type { Db } from './db.ts';
import { rowsOf } from './dialect.ts';

/** A device's last check, in the order of the trigger of migration 0025. */
export type NotedCheckIn = readonly [
  deviceId: DeviceId,
  atMs: number,
  versionCode: number,
  buildId: string | null,
  gapS: number | null,
];

/** Takes changes into memory. */
export interface Memory {
  devices(ids: readonly DeviceId[]): Promise<void>;
  checkIns(rows: readonly NotedCheckIn[]): void;
  admins(): Promise<void>;
}

interface ChangeRecord {
  readonly id: number;
  readonly topic: Topic;
  readonly subject: string | null;
  readonly detail: string | null;
}

/** Called after a commit, to make memory show it. */
export type AfterWrite = (show: () => void | Promise<void>) => Promise<void>;

export interface StoreFeed extends Feed {
  /** The newest change that memory shows. */
  readonly changeId: number;
  /** Sets the listener. Until then nothing is read. */
  setMemory(memory: Memory): void;
  /**
   * Called after a commit of this controller: reads it and all other new commits into memory. Only if the database cannot
   * be reached, `show` puts the commit into memory instead; memory may already show a part of it. Does not wait for
   * listeners.
   */
  readonly afterWrite: AfterWrite;
}

/** A failed delivery to a listener is repeated until it succeeds, so that no halt is lost. */
interface Listener {
  readonly notify: (topics: ReadonlySet<Topic>) => Promise<void>;
  readonly pending: Set<Topic>;
}

const PAGE = 5_000;
/** Check-ins are noted as long texts: after so many characters a page ends, so that memory and each pause are bounded. */
const PAGE_CHARS = 1_000_000;
/** Of migration 0025. */
const NOTE = 'select ota_note(?, array[null::text], null)';

/** The number of the newest committed change. */
export async function newestChange(reader: Knex): Promise<number> {
  const row = await reader<{ id: number; value: number }>('change_counter').first('value');
  if (row === undefined) throw new Error('assertion: the row of the counter is gone');
  return row.value;
}

interface Page {
  readonly rows: readonly ChangeRecord[];
  /** The newest committed change. */
  readonly newest: number;
}

/** One statement, so that changes deleted meanwhile are either read or noticed. Fault `fell_behind`. */
async function readAfter(reader: Knex, changeId: number): Promise<Page> {
  const found = await rowsOf<ChangeRecord & { newest: number; pruned: number; id: number | null }>(
    reader.raw(
      `select n.value as newest, n.pruned, c.id, c.topic, c.subject, c.detail from change_counter as n
       left join (
         select *, sum(chars) over (order by id) - chars as before from (
           select *, coalesce(octet_length(detail), 0) as chars from changes where id > ? order by id limit ?
         ) as first
       ) as c on c.before < ? order by c.id`,
      [changeId, PAGE, PAGE_CHARS],
    ),
  );
  const { newest = 0, pruned = 0 } = found[0] ?? {};
  if (pruned > changeId)
    throw new Fault(
      'fell_behind',
      'this controller was away from the database for so long that changes were deleted: it must be restarted',
      { retry: 'never' },
    );
  // A replica that lagged was promoted, or a backup restored: the next changes would get numbers that we take for seen.
  if (newest < changeId)
    throw new Fault(
      'fell_behind',
      'the database has lost changes that this controller knows: it must be restarted',
      { retry: 'never' },
    );
  return { rows: found.filter(row => row.id !== null), newest };
}

/** `from`: the number of the newest change before memory was filled. */
export function makeFeed(db: Db, from: number): StoreFeed {
  let changeId = from;
  let memory: Memory | undefined;
  const listeners: Listener[] = [];

  /** All changes up to the newest, page by page. */
  async function look(): Promise<void> {
    if (memory === undefined) return;
    for (;;) {
      const { rows, newest } = await db.readNow(reader => readAfter(reader, changeId));
      const last = rows.at(-1);
      if (last === undefined) return;
      await applyChanges(memory, rows);
      changeId = last.id;
      for (const { pending } of listeners) for (const { topic } of rows) pending.add(topic);
      if (changeId >= newest) return;
    }
  }

  async function tell(): Promise<void> {
    const failed: unknown[] = [];
    for (const listener of listeners) await deliver(listener).catch(error => failed.push(error));
    if (failed.length > 0) throw failed[0];
  }

  const { inTurn, shared: takeIn } = sharedTurns(look);
  const { shared: tellAll } = sharedTurns(tell);
  const catchUp = async (): Promise<void> => {
    await takeIn();
    await tellAll();
  };

  return {
    get changeId() {
      return changeId;
    },
    setMemory: target => {
      memory = target;
    },
    subscribe: listener => {
      listeners.push({ notify: listener, pending: new Set() });
    },
    catchUp,
    signal: signal => db.write(async trx => void (await trx.raw(NOTE, [signal]))),
    afterWrite: async show => {
      const before = changeId;
      try {
        await takeIn();
      } catch {
        // The change is committed. Newer changes are read again later, in case this shows something older over them.
        await inTurn(show);
        changeId = Math.min(changeId, before);
      }
    },
  };
}

/** Concurrent calls share one run. Each run begins after the call, so that it sees what was committed before. */
function sharedTurns(work: () => Promise<void>): { inTurn: InTurn; shared: () => Promise<void> } {
  const inTurn = makeTurns();
  let waiting: Promise<void> | undefined;
  return {
    inTurn,
    shared: () => {
      waiting ??= inTurn(() => {
        waiting = undefined;
        return work();
      });
      return waiting;
    },
  };
}

async function deliver({ notify, pending }: Listener): Promise<void> {
  if (pending.size === 0) return;
  const topics = new Set(pending);
  pending.clear();
  try {
    await notify(topics);
  } catch (error) {
    for (const topic of topics) pending.add(topic);
    throw error;
  }
}

async function applyChanges(memory: Memory, rows: readonly ChangeRecord[]): Promise<void> {
  const devices = new Set<DeviceId>();
  let admins = false;
  const checkIns: NotedCheckIn[] = [];
  for (const { topic, subject, detail } of rows) {
    if (topic === 'device' && subject !== null) devices.add(subject);
    else if (topic === 'admins') admins = true;
    else if (topic === 'check_ins' && detail !== null)
      checkIns.push(...(JSON.parse(detail) as NotedCheckIn[]));
  }
  // Permissions come first, since a token may have been revoked.
  if (admins) await memory.admins();
  if (devices.size > 0) await memory.devices([...devices]);
  memory.checkIns(checkIns);
}
