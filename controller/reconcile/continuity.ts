/**
 * Whether a ramp continued without a break from the applied revision to a new head. If a build is reverted and promoted
 * again between two polls, both revisions look the same, but the ramp is a new one (GATES §6).
 */
import { Fault } from '../domain/fault.ts';
import type { Revision } from '../domain/ids.ts';
import { continuesRamp, rampOf } from '../domain/ramp/progress.ts';
import type { Rollout } from '../domain/release.ts';
import type { Applied, KeyValueStore, RolloutVersion, Source } from '../ports/index.ts';

const KEY = 'reconcile.rejected_versions';
/** How many rejected versions are remembered. They were never applied, so they do not break a ramp. */
const MOST_REJECTED = 100;
/** If there are more versions than this between two polls, they are not compared and the ramp begins again. */
const DEEPEST = 200;

export interface ContinuityOptions {
  readonly source: Pick<Source, 'rolloutHistory'>;
  readonly values: KeyValueStore;
  /** Undefined if the version does not parse. Such a version was never applied. */
  readonly parseRollout: (version: RolloutVersion) => Rollout | undefined | Promise<Rollout | undefined>;
}

export interface Continuity {
  /** True when a ramp that looks the same at both ends is a new one. */
  broken(revision: Revision, applied: Applied): Promise<boolean>;
  /** Remembers that the rollout of this head was rejected and never applied, so it breaks no ramp. */
  rejected(revision: Revision, applied: Applied | undefined): Promise<void>;
}

export function makeContinuity({ source, values, parseRollout }: ContinuityOptions): Continuity {
  const known = async (): Promise<string[]> => {
    const text = await values.get(KEY);
    return text === undefined ? [] : (JSON.parse(text) as string[]);
  };

  /** Newest first. Undefined if the source no longer has them or there are too many. */
  async function versionsBetween(revision: Revision, since: Revision): Promise<RolloutVersion[] | undefined> {
    const versions: RolloutVersion[] = [];
    try {
      for await (const version of source.rolloutHistory(revision, since)) {
        versions.push(version);
        if (versions.length > DEEPEST) return undefined;
      }
    } catch (error) {
      if (error instanceof Fault && error.code === 'revision_unknown') return undefined;
      throw error;
    }
    return versions;
  }

  return {
    broken: async (revision, applied) => {
      if (rampOf(applied.state.rollout) === undefined) return false;
      const versions = await versionsBetween(revision, applied.revision);
      if (versions === undefined) return true;
      const rejected = new Set(await known());
      let before = applied.state.rollout;
      // The head is compared last, below.
      for (const version of versions.slice(1).reverse()) {
        if (rejected.has(version.revision)) continue;
        const rollout = await parseRollout(version);
        if (rollout === undefined) continue;
        if (!continuesRamp(before, rollout)) return true;
        before = rollout;
      }
      const head = versions[0] === undefined ? undefined : await parseRollout(versions[0]);
      return head !== undefined && before !== applied.state.rollout && !continuesRamp(before, head);
    },
    rejected: async (revision, applied) => {
      if (applied === undefined || rampOf(applied.state.rollout) === undefined) return;
      const [newest] = (await versionsBetween(revision, applied.revision)) ?? [];
      if (newest === undefined) return;
      const before = await known();
      if (before.includes(newest.revision)) return;
      await values.set(KEY, JSON.stringify([...before, newest.revision].slice(-MOST_REJECTED)));
    },
  };
}
