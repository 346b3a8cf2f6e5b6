/** Keeps the snapshot in line with the store. Publishes it when the state changes and when an APK is lost or comes back. */
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
 * How long to wait for an APK store on the network before a revision of another controller is published. The revision may
 * suspend or halt something, so it must not wait longer. Builds without an answer are not offered until there is one.
 */
const SHOWN_WITHIN_MS = 200;

export interface PictureOptions {
  /** SHA-256 of the builds in use whose APK is missing. */
  readonly missing: (state: DesiredState) => Promise<ReadonlySet<Sha256>>;
  /** Puts snapshots in force. Only the loop publishes. */
  readonly publication: Publication;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly observe: Observe;
}

export interface PictureKeeper {
  /** True for a build that is or was declared. Reports about such builds are accepted. */
  knowsBuild(buildId: BuildId): boolean;
  /**
   * SHA-256 of the builds in use whose APK is missing. This may wait for a store on the network, so never call it inside
   * `publication.inTurn`.
   */
  missing(state: DesiredState): Promise<ReadonlySet<Sha256>>;
  of(applied: Applied, missing: ReadonlySet<Sha256>): Snapshot;
  publish(snapshot: Snapshot, applied: Applied): void;
  /** Publishes again only if the revision or the stored APKs differ from what is in force. */
  refresh(applied: Applied): Promise<void>;
  /**
   * Publishes a state that another controller has committed, or a commit of this one whose answer was lost. Waits for an
   * APK store on the network for at most `SHOWN_WITHIN_MS`, or without a limit if there is no snapshot yet.
   */
  follow(read: () => Promise<Applied | undefined>): Promise<void>;
  /** Publishes the halts of `current` if they differ from those in force. */
  refreshHalts(standing: (buildId: BuildId) => Promise<readonly Halt[]>): Promise<void>;
  /** Checks only the stored APKs and publishes if they changed. Reads neither source nor database, and waits for no pass. */
  recheck(): Promise<void>;
}

export function keepPicture({ missing, publication, clock, observe }: PictureOptions): PictureKeeper {
  let former: ReadonlyMap<BuildId, unknown> = new Map();

  // The newest look is the most accurate, so looks run one after the other in the order of the calls.
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
        again = true; // another revision was published meanwhile
        return;
      }
      const next = { ...snapshot, missingArtifacts: gone };
      const lost = lostSince(snapshot, next);
      tellLost(lost, next.state);
      if (lost.length > 0 || gone.size !== snapshot.missingArtifacts.size) publication.publish(next);
    });
  }

  let looking: Promise<void> | undefined;
  /** Many concurrent calls cause at most two looks: the running one, and one that begins after the last call. */
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
      // Without a snapshot nothing is offered yet, so the full wait does no harm.
      const gone = standing === undefined ? await asked : await soon(asked);
      const isKnown = await publication.inTurn(async () => {
        // Reads again, because a brake may have been pressed here meanwhile.
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
    refreshHalts: standing =>
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

/** Waits at most `SHOWN_WITHIN_MS` for the answer. Does not wait for `undefined`. */
async function soon<T>(answer: Promise<T> | undefined): Promise<T | undefined> {
  const late = new AbortController();
  const tooLate = wait(SHOWN_WITHIN_MS, undefined, { signal: late.signal }).catch(() => undefined);
  const first = await Promise.race([answer, tooLate]);
  late.abort();
  return first;
}

/** APKs of the state that `standing` does not show to be present. */
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
