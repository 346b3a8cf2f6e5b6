/**
 * Writes the ledger's facts about a revision to GitHub: statuses, the report on its pull request, at most one notice per
 * state, and the deployment. Nothing is sent if GitHub already has it.
 */

import { HOUR_MS, MINUTE_MS } from '../domain/duration.ts';
import type { Revision } from '../domain/ids.ts';
import { countText } from '../domain/plan/words.ts';
import type { OutboxStore } from '../ports/index.ts';
import type { ShownPlans } from './approvals.ts';
import type { GitHub } from './client.ts';
import type { Comments } from './comment.ts';
import type { Deployments } from './deployments.ts';
import { GitHubFault } from './fault.ts';
import { overtaken } from './gaps.ts';
import { type Entry, type Ledger, tell } from './ledger.ts';
import { shortSha } from './render/markdown.ts';
import { renderNotice, renderProgress } from './render/progress.ts';
import { renderRejected } from './render/rejected.ts';
import { statusOf } from './revision-progress.ts';
import type { CommitStatus, Statuses } from './statuses.ts';

interface ReportOptions {
  readonly github: GitHub;
  readonly comments: Comments;
  readonly statuses: Statuses;
  readonly deployments: Deployments;
  readonly ledger: Ledger;
  readonly shown: ShownPlans;
  readonly outbox: Pick<OutboxStore, 'add'>;
  readonly nowMs: () => number;
  readonly branch: string;
  /** Folder of the desired state in the repository. */
  readonly path: string;
  readonly activeWithinMs: number;
}

interface Reporter {
  tell(revision: Revision): Promise<void>;
}

/** How long GitHub may take to link a merge commit to its pull request. */
const INDEXING_MS = 10 * MINUTE_MS;
const LOOK_AGAIN_MS = 60_000;

/** The name of the comment that shows first the plan and later the report. */
export const CONSOLE_COMMENT = 'console';

export function makeReporter(options: ReportOptions): Reporter {
  const { github, comments, statuses, deployments, ledger, outbox, nowMs } = options;

  async function syncStatus({ revision, kind, problems, planHash, progress }: Entry): Promise<void> {
    const errors = problems.filter(p => p.severity === 'error');
    const codes = [...new Set(errors.map(p => p.code))].join(', ');
    const by = progress.by === undefined ? '' : ` by ${shortSha(progress.by)}`;
    const said: Pick<CommitStatus, 'state' | 'description'> =
      kind === 'applied'
        ? { state: 'success', description: `applied · plan ${shortSha(planHash)}` }
        : kind === 'rejected'
          ? {
              state: 'failure',
              description: `not applied, last good revision stays in force · ${countText(errors.length, 'problem')}: ${codes}`,
            }
          : { state: 'error', description: `not applied · superseded${by} before it was read` };
    await statuses.post({ sha: revision, context: 'ota/sync', ...said });
  }

  /** One status per transition, with the figures of that moment; none after a final state. */
  async function rolloutStatus(entry: Entry): Promise<Entry> {
    const { progress, revision, told } = entry;
    if (told?.final === true) return entry;
    const ended = progress.by !== undefined;
    if (entry.kind !== 'applied' && !ended) return entry;
    const now = statusOf(progress);
    const key = `${progress.state} ${progress.percent} ${progress.by ?? ''}`;
    const next: Entry =
      told?.key === key
        ? entry
        : { ...entry, told: { key, status: now.status, description: now.description, final: false } };
    if (next.told === undefined) return entry;
    if (next !== entry) await ledger.save(next);
    const { status, description } = next.told;
    await statuses.post({
      sha: revision,
      context: 'ota/rollout',
      state: status as CommitStatus['state'],
      description,
    });
    if (status === 'pending') return next;
    const final: Entry = { ...next, told: { ...next.told, final: true } };
    await ledger.save(final);
    return final;
  }

  /** The list of a commit's pull requests does not say it. */
  async function mergerOf(pull: number): Promise<string | null> {
    const { data } = await github.call('pull', (octokit, at) =>
      octokit.rest.pulls.get({ ...at, pull_number: pull }),
    );
    return data.merged_by?.login ?? null;
  }

  async function pullOf(entry: Entry): Promise<Entry> {
    if (entry.pull !== undefined) return entry;
    const { revision } = entry;
    const { data } = await github.call('pull.of', (octokit, at) =>
      octokit.rest.repos.listPullRequestsAssociatedWithCommit({ ...at, commit_sha: revision, per_page: 100 }),
    );
    const merged = data.filter(p => p.merged_at !== null && p.base.ref === options.branch);
    const pull = (merged.find(p => p.merge_commit_sha === revision) ?? merged[0])?.number ?? null;
    if (pull === null && nowMs() - entry.progress.appliedAtMs < INDEXING_MS) {
      await outbox.add([{ ...tell(revision), notBeforeMs: nowMs() + LOOK_AGAIN_MS }]);
      return entry;
    }
    const { data: commit } = await github.call('commit', (octokit, at) =>
      octokit.rest.git.getCommit({ ...at, commit_sha: revision }),
    );
    const mergedBy = pull === null ? null : await mergerOf(pull);
    const found: Entry = { ...entry, pull, mergedBy, isMerge: commit.parents.length > 1 };
    await ledger.save(found);
    return found;
  }

  function textOf(entry: Entry): string {
    const { kind, progress, planHash, isMerge = true } = entry;
    if (kind !== 'applied') return renderRejected(entry);
    const revert = isMerge ? 'git revert -m 1' : 'git revert';
    return renderProgress({
      progress,
      planHash,
      planText: entry.planText.replace('git revert -m 1 ', `${revert} `),
      revert: `${revert} ${progress.revision}`,
      activeHours: options.activeWithinMs / HOUR_MS,
    });
  }

  async function notice(entry: Entry, pull: number): Promise<Entry> {
    const { state, subject, suspend } = entry.progress;
    if (subject.kind === 'none' || (state !== 'completed' && state !== 'reverted' && state !== 'suspended'))
      return entry;
    const key = state === 'suspended' ? `suspended until ${suspend?.untilMs ?? 0}` : state;
    if (entry.notices.includes(key)) return entry;
    await comments.put(
      { pull, name: `notice ${shortSha(entry.revision)} ${key}` },
      renderNotice(entry.progress),
    );
    const noticed: Entry = { ...entry, notices: [...entry.notices, key] };
    await ledger.save(noticed);
    return noticed;
  }

  async function deployment({ revision, kind, progress, planHash }: Entry): Promise<void> {
    if (kind !== 'applied' || progress.subject.kind === 'none') return;
    const { deployment: state, description } = statusOf(progress);
    const about = `${progress.subject.buildId} ${progress.subject.versionName} · plan ${shortSha(planHash)}`;
    await deployments.put(revision, about, state, description);
  }

  async function gaps(entry: Entry): Promise<Entry> {
    if (entry.kind !== 'applied' || entry.gapsTold === true) return entry;
    if (entry.previous !== undefined)
      await ledger.skip(await overtaken(github, entry.previous, entry.revision, options.path), entry);
    const told: Entry = { ...entry, gapsTold: true };
    await ledger.save(told);
    return told;
  }

  return {
    tell: async revision => {
      const known = await ledger.get(revision);
      if (known === undefined)
        throw new GitHubFault('github_revision_unknown', 'this revision is not in the ledger', {
          retry: 'never',
        });
      await syncStatus(known);
      let entry = await rolloutStatus(known);
      entry = await pullOf(entry);
      if (typeof entry.pull === 'number') {
        const { sinceMs } = await comments.put({ pull: entry.pull, name: CONSOLE_COMMENT }, textOf(entry));
        if (entry.kind === 'rejected' && entry.planHash !== '')
          await options.shown.record(entry.pull, entry.planHash, sinceMs);
        entry = await notice(entry, entry.pull);
      }
      entry = await gaps(entry);
      await deployment(entry);
    },
  };
}
