/** The newest revisions. */
import { type Html, html } from '../html.ts';
import { icon } from '../icons.ts';
import { short, since } from '../words.ts';
import type { NowFacts } from './facts.ts';

export function recentView({ revisions, status, nowMs }: NowFacts): Html | undefined {
  if (revisions.length === 0) return undefined;
  return html`<section class="card" aria-labelledby="h-revs"><header><h2 id="h-revs">Revisions</h2><p><a href="/revisions">All, with their plans</a></p></header>
<ol class="revs small">${revisions.map(row => {
    const mark =
      row.kind === 'refused'
        ? icon('refused', 'stop', 'refused')
        : row.revision === status.appliedRevision
          ? icon('move', 'move', 'in force')
          : icon('dot', 'none', 'superseded');
    const { plan, commit } = row.detail;
    const title =
      plan?.headline ??
      commit?.subject ??
      (row.buildId === undefined ? 'A revision' : `A change of ${row.buildId}`);
    return html`<li>${mark}<span class="what">${title}</span><span class="s q nb">${since(row.atMs, nowMs)}</span><span class="meta"><a class="mono" href="/revisions#r${row.id}">${short(row.revision)}</a>${commit !== undefined && commit.author !== '' && html` by ${commit.author}`}${row.kind === 'refused' && html` · <b class="stop">refused</b>, nothing changed`}</span></li>`;
  })}</ol></section>`;
}
