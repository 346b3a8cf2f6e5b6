/** *Audit*: who did what, and when. */
import { nameOfActor } from '../domain/actor.ts';
import type { AuditEntry } from '../ports/index.ts';
import { type Html, html } from './html.ts';
import type { DashboardOptions } from './options.ts';
import { idOf, linkTo, pager, textOf } from './pager.ts';
import type { Look, Viewed } from './view.ts';
import { count, counted, momentAgo, short } from './words.ts';

const PAGE = 50;
const MAX_DETAIL = 2_000;

export const auditView =
  ({ ports }: DashboardOptions) =>
  async ({ request: { query }, nowMs }: Look): Promise<Viewed> => {
    const where = {
      actor: textOf(query, 'actor', 128),
      action: textOf(query, 'action'),
      subject: textOf(query, 'subject', 128),
    };
    const rows = await ports.audit.list({ ...where, beforeId: idOf(query, 'before'), limit: PAGE + 1 });
    const shown = rows.slice(0, PAGE);
    const older = rows.length > PAGE ? shown.at(-1)?.id : undefined;
    const chips = Object.entries(where).flatMap(([name, value]) =>
      value === undefined
        ? []
        : [
            html`<a class="chip" aria-current="true" href="${linkTo('/audit', query, { [name]: undefined, before: undefined })}">${name} <b>${value}</b><span aria-hidden="true"> ×</span><span class="vh">: show all</span></a>`,
          ],
    );
    return {
      title: 'Audit',
      main: html`<section class="head"><div><h1>Audit</h1><p class="lead q">Merges, operators’ actions and verdicts of gates, newest first. Choose a name to see only its entries.</p></div><div class="chips">${chips}</div></section>
<section class="card">${
        shown.length === 0
          ? html`<p class="q">Nothing is recorded${chips.length > 0 && ' for that'}.</p>`
          : html`<table class="rows" role="table"><thead><tr role="row"><th scope="col">When</th><th scope="col">Who</th><th scope="col">Did</th><th scope="col">To</th><th scope="col">Detail</th></tr></thead><tbody>${shown.map(row => entry(row, query, nowMs))}</tbody></table>`
      }
${pager(`${count(shown.length)} ${shown.length === 1 ? 'entry' : 'entries'}`, older === undefined ? undefined : { href: linkTo('/audit', query, { before: String(older) }), name: 'Older' })}</section>`,
    };
  };

function entry(
  { atMs, actor, action, subject, detail }: AuditEntry,
  query: URLSearchParams,
  nowMs: number,
): Html {
  const to = (name: string, value: string, text: string): Html =>
    html`<a href="${linkTo('/audit', query, { [name]: value, before: undefined })}">${text}</a>`;
  return html`<tr role="row"><td role="cell" class="l2">${momentAgo(atMs, nowMs)}</td><td role="cell">${to('actor', actor, actorText(actor))}</td><td role="cell" class="r">${to('action', action, action)}</td><td role="cell" class="l2">${subject !== '' && to('subject', subject, subject)}</td><td role="cell" class="l2">${detailView(detail)}</td></tr>`;
}

const actorText = (actor: string): string =>
  actor.startsWith('git:') ? `merge ${short(actor.slice('git:'.length))}` : (nameOfActor(actor) ?? actor);

function detailView(detail: unknown): Html | undefined {
  if (detail === null || detail === undefined) return undefined;
  const whole = JSON.stringify(detail, undefined, 1);
  const flat = Object.entries(detail as Record<string, unknown>);
  const [name, value] = flat[0] ?? [];
  if (flat.length === 1 && typeof value === 'string')
    return html`<span class="q">${name}: ${value.slice(0, MAX_DETAIL)}</span>`;
  return html`<details class="data"><summary>${counted(flat.length, 'fact')}</summary><pre class="cmd">${whole.slice(0, MAX_DETAIL)}${whole.length > MAX_DETAIL && '…'}</pre></details>`;
}
