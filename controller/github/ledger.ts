/**
 * What the console knows about each merged revision: small facts in the store. They come from outbox rows that were
 * committed with the revision, are merged in row order and need no network. Merging the same row again changes nothing.
 */
import type { BuildId, Revision } from '../domain/ids.ts';
import type { Problem } from '../domain/problem.ts';
import { type FleetProgress, NO_PROGRESS, type Subject } from '../domain/progress.ts';
import type { KeyValueStore, OutboxEntry, OutboxRow, OutboxStore } from '../ports/index.ts';
import { KEEP_MS } from './remembered.ts';
import { isFinal, type Results, type RevisionProgress } from './revision-progress.ts';

export const TOPIC = 'github';

/** A problem for a pull request, without text that could name a device. */
export type ShownProblem = Pick<
  Problem,
  'severity' | 'code' | 'file' | 'line' | 'column' | 'message' | 'hint'
>;

/** Committed with the revision (SPEC §7). */
export type Row =
  | {
      readonly kind: 'applied';
      readonly revision: Revision;
      readonly previous: Revision | undefined;
      readonly appliedAtMs: number;
      readonly percent: number;
      readonly subject: Subject;
      readonly planHash: string;
      readonly planText: string;
      /** How it ends the previous rollout. */
      readonly ends: 'superseded' | 'reverted';
    }
  | { readonly kind: 'rejected'; readonly revision: Revision; readonly problems: readonly ShownProblem[] }
  /** A known revision has something to report. */
  | { readonly kind: 'tell'; readonly revision: Revision }
  | { readonly kind: 'pull'; readonly pull: number }
  /** A halt changed, so GitHub must be updated. */
  | { readonly kind: 'brake'; readonly halt: number }
  /** Check which pull requests have changed. */
  | { readonly kind: 'look' };

export interface Entry {
  readonly revision: Revision;
  /** `skipped`: a later revision replaced this one before it was read. */
  readonly kind: 'applied' | 'rejected' | 'skipped';
  readonly previous: Revision | undefined;
  readonly planHash: string;
  readonly planText: string;
  readonly problems: readonly ShownProblem[];
  readonly progress: RevisionProgress;
  /** The pull request that merged it; null: none; undefined: not looked up yet. */
  readonly pull?: number | null;
  /** Login of the person who merged it; null: unknown to GitHub. */
  readonly mergedBy?: string | null;
  /** True for a merge commit, which is reverted with `-m 1`; false for a squashed or rebased one. */
  readonly isMerge?: boolean;
  /** True once the commits between `previous` and this one are handled. */
  readonly gapsTold?: boolean;
  /** The transition of the last `ota/rollout` status, with its figures at that time. */
  readonly told?: {
    readonly key: string;
    readonly status: string;
    readonly description: string;
    readonly final: boolean;
  };
  readonly notices: readonly string[];
  /** False until the revisions that it replaces are marked as ended; a crash in between repeats that. */
  readonly settled: boolean;
}

/** Written before a revision is held for approval: the plan that would have been applied. */
export const heldKey = (revision: Revision): string => `github:held:${revision}`;
export interface Held {
  readonly planHash: string;
  readonly planText: string;
}

const entryKey = (revision: Revision): string => `github:revision:${revision}`;
const LIVE = 'github:live';
const OPEN = 'github:open';

export const rowOf = (row: Row, key: string): OutboxEntry => ({
  topic: TOPIC,
  key,
  payload: row,
  notBeforeMs: 0,
});
export const tell = (revision: Revision): OutboxEntry =>
  rowOf({ kind: 'tell', revision }, `tell:${revision}`);

const NOBODY: Subject = { buildId: '' as BuildId, versionName: '', versionCode: 0, kind: 'none' };

const NO_RESULTS: Results = { ok: 0, fail: 0, deferred: 0, reasons: [] };

function freshProgress(
  revision: Revision,
  subject: Subject,
  appliedAtMs: number,
  percent: number,
): RevisionProgress {
  return {
    revision,
    state: subject.kind === 'none' ? 'completed' : 'pending',
    subject,
    appliedAtMs,
    percent,
    fleet: NO_PROGRESS,
    results: NO_RESULTS,
    curve: [],
    exposure: [{ atMs: appliedAtMs, percent }],
    next: undefined,
    suspend: undefined,
    by: undefined,
  };
}

/** Counts in the format of version 0.1. */
interface StoredTally {
  readonly enrolled: number;
  readonly active: number;
  readonly offered: number;
  readonly installed: number;
  readonly waiting: number;
  readonly blocked: FleetProgress['held'];
  readonly staying: number;
}

/** 0.1 counted attempts, so a device that tried twice counted twice. */
type StoredResults = Omit<Results, 'reasons'> & {
  readonly reasons: readonly (Pick<Results['reasons'][number], 'outcome' | 'reason'> & {
    readonly attempts: number;
  })[];
};

type StoredEntry = Entry & {
  readonly progress: { readonly tally?: StoredTally; readonly attempts?: StoredResults };
};

function withResults(entry: StoredEntry): StoredEntry {
  const { attempts, ...progress } = entry.progress;
  if (attempts === undefined) return entry;
  const reasons = attempts.reasons.map(({ attempts: devices, ...reason }) => ({ ...reason, devices }));
  return { ...entry, progress: { ...progress, results: { ...attempts, reasons } } };
}

function withFleet(entry: StoredEntry): Entry {
  const { tally, ...progress } = entry.progress;
  if (tally === undefined) return entry;
  const { installed, blocked, ...same } = tally;
  const seen = tally.offered + tally.staying;
  return {
    ...entry,
    progress: {
      ...progress,
      fleet: { ...NO_PROGRESS, ...same, exposed: seen, seen, running: installed, held: blocked },
    },
  };
}

export interface Ledger {
  /** Merges rows in order and adds `tell` rows for what must be reported. */
  ingest(rows: readonly OutboxRow[]): Promise<void>;
  get(revision: Revision): Promise<Entry | undefined>;
  save(entry: Entry): Promise<void>;
  /** The revision in force. */
  live(): Promise<Revision | undefined>;
  /** Records commits that were replaced before they were read. */
  skip(revisions: readonly Revision[], by: Entry): Promise<void>;
}

interface LedgerOptions {
  readonly store: KeyValueStore;
  readonly outbox: Pick<OutboxStore, 'add'>;
  readonly nowMs: () => number;
}

/** Keeps the facts about the merge if a rejected revision is applied later. */
const mergeOf = (known: Entry | undefined): Pick<Entry, 'pull' | 'mergedBy' | 'isMerge'> =>
  known?.pull === undefined
    ? {}
    : { pull: known.pull, mergedBy: known.mergedBy ?? null, isMerge: known.isMerge ?? true };

export function makeLedger({ store, outbox, nowMs }: LedgerOptions): Ledger {
  const set = (key: string, value: unknown): Promise<void> =>
    store.set(key, JSON.stringify(value), nowMs() + KEEP_MS);
  const read = async <T>(key: string): Promise<T | undefined> => {
    const text = await store.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  };
  const get = async (revision: Revision): Promise<Entry | undefined> => {
    const entry = await read<StoredEntry>(entryKey(revision));
    return entry === undefined ? undefined : withFleet(withResults(entry));
  };
  const save = (entry: Entry): Promise<void> => set(entryKey(entry.revision), entry);
  const live = (): Promise<Revision | undefined> => read<Revision>(LIVE);
  const open = async (): Promise<readonly Revision[]> => (await read<Revision[]>(OPEN)) ?? [];

  /** The status of a completed revision is final, but its comment still shows a later revert. */
  async function end(revision: Revision, by: Revision, how: 'superseded' | 'reverted'): Promise<void> {
    const entry = await get(revision);
    if (entry === undefined) return;
    const { progress } = entry;
    const ended = isFinal(progress.state) || progress.by !== undefined;
    if (!ended || (progress.state === 'completed' && how === 'reverted')) {
      const state = entry.kind === 'rejected' ? 'rejected' : how;
      await save({ ...entry, progress: { ...progress, state, by, next: undefined, suspend: undefined } });
    }
    await outbox.add([tell(revision)]);
  }

  async function applied(row: Row & { kind: 'applied' }): Promise<void> {
    const { revision, previous, subject, appliedAtMs, percent, planHash, planText } = row;
    const known = await get(revision);
    const again = known?.kind === 'applied' && known.progress.appliedAtMs === appliedAtMs;
    if (again && known.settled) return;
    const entry: Entry = again
      ? known
      : {
          revision,
          kind: 'applied',
          previous,
          planHash,
          planText,
          problems: [],
          progress: freshProgress(revision, subject, appliedAtMs, percent),
          ...mergeOf(known),
          notices: [],
          settled: false,
        };
    await save(entry);
    const inert = subject.kind === 'none';
    const before = await live();
    const still: Revision[] = [];
    for (const other of new Set([...(await open()), ...(before === undefined ? [] : [before])])) {
      if (other === revision) continue;
      // A revision that changes no offer leaves the previous rollout in force.
      if (inert && (await get(other))?.kind === 'applied') still.push(other);
      else await end(other, revision, row.ends);
    }
    await set(OPEN, inert ? still : [revision]);
    if (!inert) await set(LIVE, revision);
    await save({ ...entry, settled: true });
  }

  async function rejected(row: Row & { kind: 'rejected' }): Promise<void> {
    const { revision, problems } = row;
    const known = await get(revision);
    if (known !== undefined && known.kind !== 'rejected') return;
    const held = await read<Held>(heldKey(revision));
    const entry: Entry = { ...(known ?? without(revision, 'rejected', nowMs())), ...held, problems };
    await save(entry);
    if (entry.settled) return;
    const still: Revision[] = [];
    for (const other of await open()) {
      if (other === revision) continue;
      if ((await get(other))?.kind === 'rejected') await end(other, revision, 'superseded');
      else still.push(other);
    }
    await set(OPEN, [...still, revision]);
    await save({ ...entry, settled: true });
  }

  return {
    get,
    save,
    live,
    ingest: async rows => {
      for (const { payload } of [...rows].sort((a, b) => a.id - b.id)) {
        const row = payload as Row;
        if (row.kind === 'applied') await applied(row);
        if (row.kind === 'rejected') await rejected(row);
      }
    },
    skip: async (revisions, by) => {
      for (const revision of revisions) {
        if ((await get(revision)) !== undefined) continue;
        const entry = without(revision, 'skipped', by.progress.appliedAtMs);
        await save({ ...entry, settled: true, progress: { ...entry.progress, by: by.revision } });
        await outbox.add([tell(revision)]);
      }
    },
  };
}

/** The entry of a revision that was never applied. */
const without = (revision: Revision, kind: 'rejected' | 'skipped', atMs: number): Entry => ({
  revision,
  kind,
  previous: undefined,
  planHash: '',
  planText: '',
  problems: [],
  progress: { ...freshProgress(revision, NOBODY, atMs, 0), state: 'rejected' },
  notices: [],
  settled: false,
});
