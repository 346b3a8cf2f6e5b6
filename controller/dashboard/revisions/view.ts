/** *Revisions*: what was merged, its effect on devices, and its outcome; problems of refused ones. */
import { nameOfActor } from '../../domain/actor.ts';
import { type EventKind, eventOf } from '../../domain/history.ts';
import type {
  AdoptionHour,
  Approved,
  AuditEntry,
  KeptRevision,
  Merged,
  ReconcileStatus,
} from '../../ports/index.ts';
import { type Html, html, type Part } from '../html.ts';
import { icon, type Shape, state, type Tone } from '../icons.ts';
import type { DashboardOptions } from '../options.ts';
import { idOf, linkTo, pager } from '../pager.ts';
import type { Look, Viewed } from '../view.ts';
import { count, counted, momentAgo, share, short, span } from '../words.ts';
import { curveView } from './curve.ts';
import { planView } from './plan-view.ts';
import { problemView } from './problem-view.ts';

const PAGE = 12;
const TOLD = 30;
const CURVE_POINTS = 60;

export const revisionsView =
  ({ ports, pullUrl }: DashboardOptions) =>
  async ({ request: { query }, nowMs }: Look): Promise<Viewed> => {
    const kind = query.get('kind');
    const only = kind === 'applied' || kind === 'refused' ? kind : undefined;
    const rows = await ports.revisions.list({ beforeId: idOf(query, 'before'), limit: PAGE + 1, kind: only });
    const shown = rows.slice(0, PAGE);
    const counts = await ports.revisions.counts();
    const oldest = shown.at(-1);
    const hours =
      oldest === undefined ? [] : await ports.adoption.hours(oldest.atMs - 3_600_000, CURVE_POINTS * PAGE);
    // Only for the newest ones; the audit has the events of older ones.
    const happened = new Map(
      (await ports.history.list({ limit: TOLD })).map(applied => [applied.appliedAtMs, applied.events]),
    );
    const people = new Map<string, People>();
    for (const { revision, kind: of } of shown) {
      if (of !== 'applied') continue;
      const merged = await ports.approvals?.merged(revision);
      people.set(revision, { merged, approved: await ports.approvals?.approved(revision) });
    }
    const status = ports.reconciler.status();
    const older = rows.length > PAGE ? oldest?.id : undefined;
    const chip = (to: string | undefined, n: number, word: string): Html =>
      html`<a class="chip" href="${linkTo('/revisions', new URLSearchParams(), { kind: to })}"${only === to && html` aria-current="true"`}><b>${count(n)}</b> ${word}</a>`;
    return {
      title: 'Revisions',
      main: html`<section class="head"><div><h1>Revisions</h1><p class="lead q">Merges that the controller has read, the newest first. A refused one changes nothing.</p></div><p class="chips">${chip(undefined, counts.applied + counts.refused, 'in all')}${chip('applied', counts.applied, 'applied')}${chip('refused', counts.refused, 'refused')}</p></section>
<section class="card">${
        shown.length === 0
          ? html`<p class="q">No revision was read yet.</p>`
          : html`<ol class="revs">${shown.map((row, at) => revisionView(row, endOf(row, shown.slice(0, at), nowMs), { status, hours, nowMs, pullUrl, happened, people }))}</ol>`
      }${pager(`${counted(shown.length, 'revision')}`, older === undefined ? undefined : { href: linkTo('/revisions', query, { before: String(older) }), name: 'Older' })}</section>`,
    };
  };

interface People {
  readonly merged: Merged | undefined;
  readonly approved: Approved | undefined;
}

interface RevisionContext {
  readonly people: ReadonlyMap<string, People>;
  readonly happened: ReadonlyMap<number, readonly AuditEntry[]>;
  readonly status: ReconcileStatus;
  readonly hours: readonly AdoptionHour[];
  readonly nowMs: number;
  readonly pullUrl: ((number: number) => string) | undefined;
}

/** When the next applied revision replaced it; now for the newest. */
function endOf(
  row: KeptRevision,
  newer: readonly KeptRevision[],
  nowMs: number,
): { atMs: number; by: string | undefined } {
  const next = newer.findLast(r => r.kind === 'applied' && r.id > row.id);
  return next === undefined ? { atMs: nowMs, by: undefined } : { atMs: next.atMs, by: next.revision };
}

function revisionView(row: KeptRevision, end: ReturnType<typeof endOf>, context: RevisionContext): Html {
  const { detail, revision, atMs } = row;
  const { status, nowMs } = context;
  const inForce = row.kind === 'applied' && end.by === undefined && isApplied(row, status);
  const standing =
    row.kind === 'refused'
      ? state('refused', 'stop', 'Refused')
      : inForce
        ? state('move', 'move', 'In force')
        : state('dot', 'none', end.by === undefined ? 'Applied' : 'Superseded');
  const errors = (detail.problems ?? []).filter(p => p.severity === 'error');
  const warnings = (detail.problems ?? []).filter(p => p.severity === 'warning');
  const title =
    detail.plan?.headline ??
    detail.commit?.subject ??
    (row.buildId === undefined ? 'A revision' : `A change of ${row.buildId}`);
  return html`<li id="r${row.id}"><div>${standing}<br><span class="mono">${short(revision)}</span></div>
<div><p class="what">${title}</p><p class="meta">${metaOf(row, context)}${row.kind === 'applied' ? 'Applied' : 'Read'} ${momentAgo(atMs, nowMs)}.</p></div>
<div class="end s">${
    row.kind === 'refused'
      ? html`<b>${counted(errors.length, 'problem')}.</b> ${status.attemptedRevision === revision ? `Not in force; ${status.appliedRevision === undefined ? 'nothing is' : `${short(status.appliedRevision)} stays in force`}.` : 'It was never applied.'}`
      : outcomeOf(row, end, context)
  }</div>
${(row.kind === 'refused' || warnings.length > 0) && html`<div class="full stack-s">${[...errors, ...warnings].map(problemView)}${row.kind === 'refused' && html`<p class="s q">All its problems at once. <code>ota validate</code> says the same before a merge. Merge a correction, or revert it.</p>`}</div>`}
${detail.plan !== undefined && html`<div class="full">${planView(detail, inForce)}${eventsView(context.happened.get(atMs) ?? [], nowMs)}</div>`}</li>`;
}

const isApplied = (row: KeptRevision, { appliedRevision, appliedAtMs }: ReconcileStatus): boolean =>
  row.revision === appliedRevision || row.atMs === appliedAtMs;

function metaOf({ detail, revision }: KeptRevision, { pullUrl, people }: RevisionContext): Part {
  const { commit } = detail;
  if (commit === undefined || commit.author === '') return undefined;
  const { merged, approved: given } = people.get(revision) ?? {};
  const merger = merged?.by !== undefined && html`, merged by ${merged.by}`;
  const approvals =
    given !== undefined &&
    html`, approved by ${given.by.join(', ')} (${count(given.by.length)} of ${count(given.needed)} needed)`;
  // GitHub knows the number. Until it is asked, the subject of the commit usually contains it.
  const named = /(?:^Merge pull request #|\(#)(\d{1,9})\b/.exec(commit.subject)?.[1];
  const number = merged?.pull ?? (named === undefined ? undefined : Number(named));
  const pull =
    number !== undefined &&
    (pullUrl === undefined
      ? html`#${number} `
      : html`<a href="${pullUrl(number)}" rel="noreferrer">#${number}</a> `);
  return html`${pull}by ${commit.author}: “${commit.subject}”${merger}${approvals}. `;
}

/** The result of its build at the end of the revision, or now. */
function outcomeOf(
  row: KeptRevision,
  end: ReturnType<typeof endOf>,
  { hours, nowMs }: RevisionContext,
): Part {
  const { buildId } = row;
  if (buildId === undefined) return undefined;
  const stretch = hours.filter(h => h.hourMs >= row.atMs - 3_600_000 && h.hourMs <= end.atMs);
  const last = stretch.at(-1);
  const by =
    end.by === undefined
      ? html`in force for ${span(nowMs - row.atMs)}`
      : html`in force for ${span(end.atMs - row.atMs)}, until <span class="mono">${short(end.by)}</span>`;
  if (last === undefined) return html`It was ${by}.`;
  const ran = last.running.get(buildId) ?? 0;
  const active = [...last.running.values()].reduce((sum, n) => sum + n, 0);
  return html`${curveView(buildId, stretch, row.atMs, end.atMs, end.by === undefined)}${count(ran)} of ${count(active)} active ran ${buildId}, ${share(ran, active)}; ${by}.`;
}

/** Steps, verdicts, halts and actions of people while it was in force, oldest first. */
function eventsView(events: readonly AuditEntry[], nowMs: number): Html | undefined {
  const told = events.flatMap(event => {
    const said = eventOf(event.action, event.detail);
    return said === undefined ? [] : [{ ...said, atMs: event.atMs, actor: event.actor }];
  });
  if (told.length === 0) return undefined;
  return html`<details class="data"><summary>${counted(told.length, 'event')} while it was in force</summary><ol class="tl">${told.map(event => html`<li><span>${momentAgo(event.atMs, nowMs)}</span>${icon(...EVENT_LOOKS[event.kind])}<div>${event.text}${byView(nameOfActor(event.actor))}</div></li>`)}</ol></details>`;
}

const byView = (name: string | undefined): Html | false =>
  name !== undefined && html` <span class="q">by ${name}</span>`;

const EVENT_LOOKS: Readonly<Record<EventKind, [Shape, Tone]>> = {
  step: ['move', 'move'],
  verdict: ['dot', 'none'],
  restart: ['warn', 'wait'],
  halt: ['halt', 'stop'],
  brake: ['halt', 'stop'],
  resume: ['ok', 'ok'],
  completed: ['ok', 'ok'],
};
