/** The snapshot of what the store holds: published when it changes, and again when an APK comes or goes. */
import { setTimeout as wait } from 'node:timers/promises';
import { makeSnapshot, type Snapshot } from '../domain/decision.ts';
import type { Observe } from '../domain/event.ts';
import type { Halt } from '../domain/halt.ts';
import type { BuildId, Sha256 } from '../domain/ids.ts';
import type { DesiredState } from '../domain/release.ts';
import { offerableBuilds } from '../domain/standing.ts';
import { makeTurns } from '../domain/turns.ts';
import type { Applied, Clock } from '../ports/index.ts';
import type { Publication } from './publication.ts';

/**
 * A revision that another controller applied is shown after so long without the answer of a store in the network: it may
 * suspend or halt something. Builds that it did not tell of are not offered until it does.
 */
const SHOWN_WITHIN_MS = 200;

export interface PictureOptions {
  /** SHA-256 of the builds in use whose APK is gone. */
  readonly missing: (state: DesiredState) => Promise<ReadonlySet<Sha256>>;
  /** Where the snapshot is put in force; the loop alone publishes. */
  readonly publication: Publication;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly observe: Observe;
}

export interface PictureKeeper {
  /** True for a build that is or was declared: reports about it are accepted. */
  knowsBuild(buildId: BuildId): boolean;
  /** SHA-256 of the builds in use whose APK is gone. It may wait for a store in the network: never ask in a turn of the publication. */
  missing(state: DesiredState): Promise<ReadonlySet<Sha256>>;
  of(applied: Applied, missing: ReadonlySet<Sha256>): Snapshot;
  publish(snapshot: Snapshot, applied: Applied): void;
  /** Publishes again only if the revision or the stored APKs differ from what is in force. */
  refresh(applied: Applied): Promise<void>;
  /**
   * Publishes what another controller has committed, or this one without an answer. It waits for a store in the network
   * only where nothing is shown yet.
   */
  follow(read: () => Promise<Applied | undefined>): Promise<void>;
  /** Publishes the halts of `current` if they differ from those in force. */
  noteHalts(standing: (buildId: BuildId) => Promise<readonly Halt[]>): Promise<void>;
  /** The same for the stored APKs only. It asks neither the source nor the store and waits for no pass. */
  recheck(): Promise<void>;
}

export function keepPicture({ missing, publication, clock, observe }: PictureOptions): PictureKeeper {
  let former: ReadonlyMap<BuildId, unknown> = new Map();

  // Whoever asked last knows best, so answers are taken in the order of the questions.
  const looks = makeTurns();

  const of = (applied: Applied, gone: ReadonlySet<Sha256>): Snapshot =>
    makeSnapshot(applied.state, {
      revision: applied.revision,
      appliedAtMs: applied.appliedAtMs,
      progress: applied.progress,
      progressReadAtMs: clock.nowMs(),
      halts: applied.halts,
      missingArtifacts: gone,
    });

  function publish(next: Snapshot, applied: Applied): void {
    former = applied.formerBuilds;
    publication.publish(next);
  }

  function tellLost(lost: readonly Sha256[], { builds }: DesiredState): void {
    for (const sha256 of lost) {
      const build = [...builds.values()].find(b => b.sha256 === sha256);
      if (build !== undefined) observe({ type: 'ota.artifact.lost', sha256, buildId: build.buildId });
    }
  }

  const lostSince = (before: Snapshot | undefined, next: Snapshot): Sha256[] =>
    [...next.missingArtifacts].filter(sha256 => before?.missingArtifacts.has(sha256) !== true);

  let again = false;
  async function look(): Promise<void> {
    const asked = publication.snapshot?.state;
    if (asked === undefined) return;
    const gone = await missing(asked);
    await publication.inTurn(() => {
      const { snapshot } = publication;
      if (snapshot?.state !== asked) {
        again = true; // another revision came meanwhile
        return;
      }
      const next = { ...snapshot, missingArtifacts: gone };
      const lost = lostSince(snapshot, next);
      tellLost(lost, next.state);
      if (lost.length > 0 || gone.size !== snapshot.missingArtifacts.size) publication.publish(next);
    });
  }

  let looking: Promise<void> | undefined;
  /** Many callers at once cause at most two looks: the one under way, and one that begins after the last call. */
  function recheck(): Promise<void> {
    again = true;
    looking ??= (async () => {
      while (again) {
        again = false;
        await looks(look);
      }
    })().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  return {
    recheck,
    knowsBuild: buildId => former.has(buildId) || publication.snapshot?.state.builds.has(buildId) === true,
    missing,
    of,
    publish,
    follow: async read => {
      const seen = await read();
      if (seen === undefined) return;
      const standing = publication.snapshot;
      const isNew = standing?.revision !== seen.revision;
      const asked = isNew ? missing(seen.state) : undefined;
      // With nothing to show yet, nothing is kept waiting.
      const gone = standing === undefined ? await asked : await soon(asked);
      const isKnown = await publication.inTurn(async () => {
        // Again: a brake may have been pressed here meanwhile.
        const applied = (await read()) ?? seen;
        const { snapshot } = publication;
        const isSame = snapshot?.revision === applied.revision;
        const told = applied.revision === seen.revision ? gone : undefined;
        const fresh = of(applied, told ?? unknownIn(applied.state, snapshot));
        publish(isSame ? { ...snapshot, ...rampIn(fresh) } : fresh, applied);
        return isSame || told !== undefined;
      });
      if (!isKnown) void recheck();
    },
    noteHalts: standing =>
      publication.inTurn(async () => {
        const asked = publication.snapshot;
        if (asked === undefined) return;
        const halts = await standing(asked.rollout.current);
        if (JSON.stringify(halts) !== JSON.stringify(asked.halts)) publication.publish({ ...asked, halts });
      }),
    refresh: applied =>
      looks(async () => {
        const fresh = of(applied, await missing(applied.state));
        await publication.inTurn(() => {
          const { snapshot } = publication;
          // The stored ramp may be some minutes older than the one in the snapshot.
          const next = snapshot === undefined ? fresh : { ...fresh, ...rampIn(snapshot) };
          const lost = lostSince(snapshot, next);
          tellLost(lost, next.state);
          const changed = lost.length > 0 || next.missingArtifacts.size !== snapshot?.missingArtifacts.size;
          if (changed || next.revision !== snapshot?.revision) publish(next, applied);
        });
      }),
  };
}

/** A promise of nothing is none to wait for. */
async function soon<T>(answer: Promise<T> | undefined): Promise<T | undefined> {
  const late = new AbortController();
  const tooLate = wait(SHOWN_WITHIN_MS, undefined, { signal: late.signal }).catch(() => undefined);
  const first = await Promise.race([answer, tooLate]);
  late.abort();
  return first;
}

/** APKs that may be missing for all that `standing` says. */
function unknownIn(state: DesiredState, standing: Snapshot | undefined): Set<Sha256> {
  const known = standing === undefined ? [] : offerableBuilds(standing).map(build => build.sha256);
  const stored = new Set(known.filter(sha256 => standing?.missingArtifacts.has(sha256) !== true));
  return new Set(
    offerableBuilds({ state })
      .map(build => build.sha256)
      .filter(sha256 => !stored.has(sha256)),
  );
}

const rampIn = ({ progress, progressReadAtMs, halts }: Snapshot) => ({ progress, progressReadAtMs, halts });
