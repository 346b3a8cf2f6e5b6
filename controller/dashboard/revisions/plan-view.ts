/** The plan of a revision as it was applied: offers, dangers, and each change. */
import type { RevisionDetail } from '../../ports/index.ts';
import { type Html, html } from '../html.ts';
import { icon } from '../icons.ts';
import { count } from '../words.ts';

const shown = (value: unknown): string =>
  value === undefined || value === null ? 'not there' : String(value);

export function planView({ plan, plan_hash, commit }: RevisionDetail, open: boolean): Html | undefined {
  if (plan === undefined) return undefined;
  return html`<details class="data"${open && html` open`}><summary>Plan${plan_hash !== undefined && html` <span class="mono">${plan_hash.slice(0, 8)}</span>`}, as it was applied</summary>
<div class="two"><dl class="facts-list"><dt>Offers</dt><dd>${plan.views.map(view => html`${view}.<br>`)}</dd><dt>Exposure</dt><dd>${plan.exposure}</dd>${commit !== undefined && html`<dt>Way back</dt><dd><code>git revert</code> of this commit</dd>`}</dl>
<div>${
    plan.dangers.length === 0
      ? html`<p class="s">${icon('ok', 'ok')} No dangers.</p>`
      : html`<ul class="dangers s">${plan.dangers.map(danger => html`<li>${icon('warn', 'wait')}<span>${danger}</span></li>`)}</ul>`
  }</div></div>
<details class="data"><summary>${count(plan.changes.length)} changed fields</summary><table class="rows" role="table"><thead><tr role="row"><th scope="col">Field</th><th scope="col">Before</th><th scope="col">After</th></tr></thead><tbody>${plan.changes.map(c => html`<tr role="row"><th role="rowheader" scope="row" class="l2"><span class="mono">${c.file}${c.path !== '' && ` ${c.path}`}</span></th><td role="cell" class="l2" data-k="before">${shown(c.before)}</td><td role="cell" class="l2" data-k="after">${shown(c.after)}</td></tr>`)}</tbody></table></details></details>`;
}
