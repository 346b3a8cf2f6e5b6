/**
 * The brake's own pull request (GATES §3, §6). A halt takes effect at once without Git; this makes Git say the same. It
 * compares the present state with the wanted one and does what is missing, so a crash, a lost answer or an outage does not
 * change the result: one open pull request while rollout.yaml is wider than the halt, none afterwards.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { Fault } from '../domain/fault.ts';
import type { Halt } from '../domain/halt.ts';
import type { BuildId } from '../domain/ids.ts';
import type { Plan } from '../domain/plan/index.ts';
import type { DesiredState } from '../domain/release.ts';
import { ROLLOUT_FILE } from '../domain/rules/index.ts';
import type {
  DesiredStore,
  HaltStore,
  KeptHalt,
  KeyValueStore,
  OutboxEntry,
  Source,
  SourceTree,
} from '../ports/index.ts';
import type { GitHub } from './client.ts';
import type { Comments } from './comment.ts';
import { GitHubFault } from './fault.ts';
import { type Ledger, rowOf } from './ledger.ts';
import { type FoundPull, findPull, openPull } from './proposals.ts';
import type { JudgeTree } from './pulls.ts';
import { putBranch } from './put-branch.ts';
import { renderBrakeBody, renderBrakeEnd, titleOfBrake } from './render/brake.ts';
import type { RevisionProgress } from './revision-progress.ts';

/** As `narrowRollout`: the edit that rollout.yaml needs. */
type NarrowRollout = (
  text: string,
  state: DesiredState,
  halt: Halt,
) => { readonly kind: 'said' | 'elsewhere' } | { readonly kind: 'edit'; readonly text: string };

export interface BrakePullsOptions {
  readonly github: GitHub;
  readonly comments: Comments;
  readonly ledger: Pick<Ledger, 'live' | 'get'>;
  readonly source: Pick<Source, 'head' | 'read'>;
  readonly desired: Pick<DesiredStore, 'applied'>;
  readonly halts: Pick<HaltStore, 'find' | 'failed' | 'proposed'>;
  readonly store: KeyValueStore;
  readonly judge: JudgeTree;
  readonly narrow: NarrowRollout;
  /** Called with the pull request, so that operators can be shown it. */
  readonly onProposed: (id: number, pullUrl: string) => Promise<void>;
  readonly nowMs: () => number;
  /** The branch with the desired state. */
  readonly branch: string;
  /** Folder of the desired state in the repository. */
  readonly path: string;
}

interface BrakePulls {
  /** Makes GitHub agree with the present state of this halt. */
  settle(haltId: number): Promise<void>;
}

/** The work done for one halt so far. */
interface Done {
  /** 1 for the first branch; higher if the halt returned after its pull request was closed as needless. */
  readonly turn: number;
  /** Identifies the rollout.yaml that the branch was made from. */
  readonly madeFrom: string;
  readonly withdrawn: boolean;
}

type Wanted = { readonly needless: string } | { readonly text: string; readonly madeFrom: string };

const MINUTE_MS = 60_000;
const KEEP_MS = 400 * 86_400_000;
const MOST_FAILED = 200;

export const brakeRow = ({ id }: Pick<Halt, 'id'>): OutboxEntry =>
  rowOf({ kind: 'brake', halt: id }, `brake:${id}`);

/** The same prefix for a build on every controller, so a controller without its store finds its own pull requests. */
export const brakeBranches = (buildId: string): string =>
  `ota/brake-${buildId.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-`;

const branchOf = ({ buildId, atMs }: Halt, turn: number): string =>
  `${brakeBranches(buildId)}${new Date(atMs).toISOString().replace(/\D/g, '')}${turn === 1 ? '' : `-${turn}`}`;

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export function makeBrakePulls(options: BrakePullsOptions): BrakePulls {
  const { github, comments, halts, source, store, nowMs, branch: base } = options;

  const keyOf = (id: number): string => `github:brake:${id}`;
  const doneOf = async (id: number): Promise<Done> => {
    const text = await store.get(keyOf(id));
    return text === undefined ? { turn: 1, madeFrom: '', withdrawn: false } : (JSON.parse(text) as Done);
  };
  const save = (id: number, done: Done): Promise<void> =>
    store.set(keyOf(id), JSON.stringify(done), nowMs() + KEEP_MS);

  /** Proposes nothing on top of an invalid branch; it looks again until somebody has fixed the branch. */
  async function wantedOf(halt: KeptHalt, tree: SourceTree): Promise<Wanted> {
    const file = tree.files.find(f => f.path === ROLLOUT_FILE);
    const { plan } = await options.judge(tree, await options.desired.applied());
    if (plan === undefined || file === undefined || !('content' in file))
      throw later('brake_head_invalid', `${base} is invalid at ${tree.revision.slice(0, 12)}`, MINUTE_MS);
    const text = file.content.toString('utf8');
    const narrowed = options.narrow(text, plan.head.state, halt);
    switch (narrowed.kind) {
      case 'said':
        return { needless: `${base} already says the same` };
      case 'elsewhere':
        return { needless: `${plan.head.state.rollout.current} is current now` };
      case 'edit':
        return { text: narrowed.text, madeFrom: hashOf(text) };
    }
  }

  const later = (code: string, message: string, ms: number): GitHubFault =>
    new GitHubFault(code, message, { retry: 'backoff', retryAtMs: nowMs() + ms });

  /** Comments on and closes the pull request, unless somebody has merged or closed it. */
  async function withdraw(halt: KeptHalt, why: string): Promise<void> {
    const done = await doneOf(halt.id);
    const pull = await findPull(github, { branch: branchOf(halt, done.turn), base }, 'open');
    if (pull === undefined) return;
    await comments.put({ pull: pull.number, name: 'brake' }, renderBrakeEnd(halt, why));
    await github.call('pull.close', (octokit, at) =>
      octokit.rest.pulls.update({ ...at, pull_number: pull.number, state: 'closed' }),
    );
    await save(halt.id, { ...done, withdrawn: true });
  }

  async function propose(
    halt: KeptHalt,
    tree: SourceTree,
    { text, madeFrom }: { readonly text: string; readonly madeFrom: string },
  ): Promise<void> {
    const known = await doneOf(halt.id);
    const done = known.withdrawn ? { turn: known.turn + 1, madeFrom: '', withdrawn: false } : known;
    const branch = branchOf(halt, done.turn);
    const found = await findPull(github, { branch, base }, 'all');
    // A person closed it while the halt was active. That is an answer, so it is not opened again.
    if (found?.closed === true || (found !== undefined && done.madeFrom === madeFrom))
      return noted(halt, found);
    const plan = await planOf(tree, text);
    await putBranch(github, {
      branch,
      base: tree.revision,
      files: new Map([[path.posix.join(options.path, ROLLOUT_FILE), text]]),
      message: titleOfBrake(halt),
    });
    await save(halt.id, { ...done, madeFrom });
    if (found !== undefined) return noted(halt, found);
    const { buildId } = halt;
    const failed = await halts.failed(buildId, MOST_FAILED);
    const body = renderBrakeBody({ halt, failed, progress: await progressOf(buildId), plan });
    return noted(halt, await openPull(github, { branch, base, title: titleOfBrake(halt), body }));
  }

  async function planOf(tree: SourceTree, text: string): Promise<Plan> {
    const files = tree.files.map(f =>
      f.path === ROLLOUT_FILE ? { path: f.path, content: Buffer.from(text) } : f,
    );
    const { plan, problems } = await options.judge({ ...tree, files }, await options.desired.applied());
    if (plan !== undefined) return plan;
    const why = problems.files.find(p => p.severity === 'error')?.message ?? 'it would be invalid';
    throw later('brake_unwritable', why, 15 * MINUTE_MS);
  }

  async function progressOf(buildId: BuildId): Promise<RevisionProgress | undefined> {
    const live = await options.ledger.live();
    const entry = live === undefined ? undefined : await options.ledger.get(live);
    return entry?.progress.subject.buildId === buildId ? entry.progress : undefined;
  }

  async function noted(halt: KeptHalt, { url }: FoundPull): Promise<void> {
    if (halt.pullUrl === url) return;
    await halts.proposed(halt.id, url);
    await options.onProposed(halt.id, url);
  }

  async function settle(haltId: number): Promise<void> {
    const halt = await halts.find(haltId);
    if (halt === undefined) return;
    if (halt.ended !== undefined) return withdraw(halt, `the halt has ended: ${halt.ended.reason}`);
    const tree = await source.read(await source.head());
    const wanted = await wantedOf(halt, tree);
    return 'needless' in wanted ? withdraw(halt, wanted.needless) : propose(halt, tree, wanted);
  }

  return {
    settle: async haltId => {
      try {
        await settle(haltId);
      } catch (error) {
        // While a halt is active its pull request is never given up: GitHub may allow tomorrow what it rejects today.
        if (error instanceof Fault && error.retry === 'never')
          throw later(error.code, error.message, 15 * MINUTE_MS);
        throw error;
      }
    },
  };
}
