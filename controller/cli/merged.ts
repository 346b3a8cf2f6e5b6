/** `--revision`: waits until a merged commit is in force. */
import { Fault } from '../domain/fault.ts';
import type { Revision } from '../domain/ids.ts';
import { refusal, type Verdict } from './goal.ts';
import type { Io } from './io.ts';
import { isRejected, type RolloutOnWire, shortRevision } from './rollout-wire.ts';
import { openWorkspace, type Repository } from './workspace.ts';

/** Undefined once the commit is in force; until then the message to show. */
export type Awaited = (now: RolloutOnWire) => Promise<Verdict | undefined>;

/** `name` is any name of a commit that Git accepts. Faults `not_a_repository`, `revision_unknown`. */
export async function awaitRevision(name: string, io: Pick<Io, 'cwd' | 'environment'>): Promise<Awaited> {
  const { repository } = await openWorkspace(io, '.');
  if (repository === undefined)
    throw new Fault(
      'not_a_repository',
      `this folder is not in a Git repository, so --revision ${JSON.stringify(name.slice(0, 100))} cannot be looked up\n  run the command in a clone of the releases repository`,
      { retry: 'never' },
    );
  const wanted = await repository.resolve(name);
  return now => verdictOn(wanted, repository, now);
}

async function verdictOn(
  wanted: Revision,
  repository: Repository,
  now: RolloutOnWire,
): Promise<Verdict | undefined> {
  const { revision: applied, reconcile } = now;
  const attempted = reconcile.attempted_revision;
  const short = shortRevision(wanted);
  const holds = async (revision: string | null) =>
    revision === wanted || (revision !== null && (await repository.contains(revision, wanted)));
  const governs = await holds(applied);
  if (governs === true) return undefined;
  const tried = isRejected(reconcile) ? await holds(attempted) : false;
  if (tried === true)
    return {
      state: 'halted',
      why: attempted === wanted ? refusal(now) : `${refusal(now)}; it contains ${short}`,
    };
  const source =
    reconcile.source_fault === null ? '' : `; the source cannot be read [${reconcile.source_fault}]`;
  const stands = applied === null ? 'nothing is applied yet' : `${shortRevision(applied)} is in force`;
  const stale =
    governs === undefined
      ? `, which this clone does not know: run git fetch, or wait if ${short} is newer`
      : '';
  return { state: 'waiting', why: `waiting for ${short}: ${stands}${stale}${source}` };
}
