/** The pull request for a change that a person requested on the dashboard: a branch made through the API, and the requester. */
import { changeBranch } from '../domain/change-branch.ts';
import { renderPlanMarkdown } from '../domain/plan/markdown.ts';
import type { OpenedPull, OpeningPull } from '../ports/index.ts';
import type { GitHub } from './client.ts';
import { openPull } from './proposals.ts';
import type { Proposers } from './proposers.ts';
import { putBranch } from './put-branch.ts';
import { literal, paragraphs } from './render/markdown.ts';

interface ChangePullOptions {
  readonly github: GitHub;
  readonly proposers: Proposers;
  /** The branch with the desired state. */
  readonly branch: string;
  /** Folder of the desired state in the repository. */
  readonly path: string;
}

const PLAN_CHARS = 50_000;

function changeBody({ shown, reason, by }: OpeningPull): string {
  const { plan, fleet, forecast, warnings } = shown;
  const notes = warnings.slice(0, 20).map(({ message }) => `- ⚠️ ${literal(message, 300)}`);
  return paragraphs(
    reason === undefined ? undefined : `**Why:** ${literal(reason, 1000)}`,
    `Asked for on the operators' page by ${literal(by, 100)}.`,
    renderPlanMarkdown(plan, {
      fleet,
      forecast,
      limit: PLAN_CHARS,
      warnings: notes.length === 0 ? undefined : notes.join('\n'),
    }).trimEnd(),
  );
}

export function changeOpener(options: ChangePullOptions): (opening: OpeningPull) => Promise<OpenedPull> {
  const { github, proposers, path } = options;
  return async opening => {
    const { shown, reason, by } = opening;
    const head = changeBranch(
      shown.title,
      shown.base,
      shown.files.map(({ file, after }) => [file, after]),
    );
    const message = reason === undefined ? shown.title : `${shown.title}\n\n${reason}`;
    await proposers.record(head, by);
    const files = new Map(shown.files.map(({ file, after }) => [`${path}/${file}`, after]));
    await putBranch(github, {
      branch: head,
      base: shown.base,
      files,
      message: `${message}\n\nAsked for by ${by}`,
    });
    const pull = await openPull(github, {
      branch: head,
      base: options.branch,
      title: shown.title,
      body: changeBody(opening),
    });
    return { url: pull.url, pull: pull.number };
  };
}
