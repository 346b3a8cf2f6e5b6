/** The frame of every page: source, revision in force, freshness, viewer, and navigation. */
import type { ReconcileStatus } from '../ports/index.ts';
import type { Assets } from './assets.ts';
import { type Html, html, type Part } from './html.ts';
import { icon, SPRITE } from './icons.ts';
import type { Session } from './session.ts';
import { counted, moment, short, span } from './words.ts';

export const VIEWS = [
  ['now', '/', 'Now'],
  ['builds', '/builds', 'Builds'],
  ['revisions', '/revisions', 'Revisions'],
  ['devices', '/devices', 'Devices'],
  ['health', '/health', 'Health'],
  ['audit', '/audit', 'Audit'],
] as const;
export type View = (typeof VIEWS)[number][0];

/** Facts about the controller that every page shows. */
export interface FrameFacts {
  readonly nowMs: number;
  readonly status: ReconcileStatus;
  readonly source: { readonly name: string; readonly branch: string | undefined };
  readonly waiting: number;
  readonly activeWithinMs: number;
  readonly version: string;
  /** How many parts of the controller need attention. */
  readonly attention: number;
  /** Changes whenever the page changes. */
  readonly live: string;
}

interface Framed {
  readonly view: View;
  readonly title: string;
  readonly main: Html;
  /** URL for live updates; undefined for a page that must not change while a person types. */
  readonly target: string | undefined;
}

export const isRefused = ({ attemptedRevision, appliedRevision }: ReconcileStatus): boolean =>
  attemptedRevision !== undefined && attemptedRevision !== appliedRevision;

const CONFIG = JSON.stringify({
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  historyEnabled: false,
});

/** A complete HTML document. */
export const documentOf = (assets: Assets, title: string, body: Html): Html => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · nexmdm-ota</title>
<meta name="color-scheme" content="light dark">
<meta name="htmx-config" content="${CONFIG}">
${assets.head}
</head>
<body hx-ext="morph">
${SPRITE}
${body}
</body>
</html>
`;

export function frame(assets: Assets, facts: FrameFacts, session: Session, page: Framed): Html {
  const { nowMs, activeWithinMs, version, live } = facts;
  const body = html`<a class="skip" href="#main">Skip to content</a>
<div id="live" data-live="${live}"${page.target !== undefined && html` hx-get="${page.target}" hx-trigger="ota:changed from:body" hx-select="#live" hx-swap="morph:outerHTML"`}>
<header class="top"><div class="wrap">
<a class="brand" href="/">${icon('brand')}nexmdm-ota</a>
<p class="source">${sourceLine(facts)}</p>
<p class="facts">${factsLine(facts)}</p>
<div class="who"><span>${session.viewer.name} <span class="qq">${session.viewer.role}</span></span>
<form method="post" action="/sign-out"><input type="hidden" name="form_token" value="${session.formToken}"><button class="link" type="submit">Sign out</button></form>
<button class="theme" type="button" hidden>${icon('theme')}</button></div>
<nav class="nav" aria-label="Views">${VIEWS.map(([view, href, name]) => html`<a href="${href}"${view === page.view && html` aria-current="page"`}>${name}${markOf(view, facts)}</a>`)}</nav>
</div></header>
<main class="wrap" id="main">
${page.main}
</main>
<footer class="foot"><div class="wrap"><span>As of ${moment(nowMs, nowMs)}</span><span>Controller ${version}</span><span>Counts are of devices unless they say otherwise. Active: checked within ${span(activeWithinMs)}.</span></div></footer>
</div>`;
  return documentOf(assets, page.title, body);
}

function sourceLine({ status, source, nowMs }: FrameFacts): Part {
  const branch = source.branch !== undefined && html`<span class="qq">@${source.branch}</span>`;
  const inForce =
    status.appliedRevision === undefined
      ? html`<span class="nb">${icon('none', 'none')} nothing in force</span>`
      : html`<span class="nb">${icon('ok', 'ok')} <a href="/revisions" class="mono">${short(status.appliedRevision)}</a> in force${status.appliedAtMs !== undefined && html` since ${moment(status.appliedAtMs, nowMs)}`}</span>`;
  const refused =
    isRefused(status) &&
    html` <span class="nb">${icon('refused', 'stop')} <a href="/revisions" class="mono stop"><b>${short(status.attemptedRevision ?? '')}</b></a> <b class="stop">refused</b></span>`;
  return html`<span>${source.name}${branch}</span> ${inForce}${refused}`;
}

function factsLine({ status, waiting, nowMs }: FrameFacts): Part {
  const read =
    status.sourceFault !== undefined
      ? html`<span class="stop"><b class="stop">Source cannot be read</b></span>`
      : status.sourceReadAtMs === undefined
        ? html`<span>Source <b>not read yet</b></span>`
        : html`<span>Source read <b>${span(nowMs - status.sourceReadAtMs)}</b> ago</span>`;
  const clock = status.clockHeld
    ? html`<span class="stop">Clock <b class="stop">held</b></span>`
    : html`<span>Clock <b>ok</b></span>`;
  return html`${read}<span>Outbox <b>${waiting}</b></span>${clock}`;
}

function markOf(view: View, facts: FrameFacts): Part {
  if (view === 'revisions' && isRefused(facts.status)) return icon('refused', 'stop', '1 refused');
  if (view === 'health' && facts.attention > 0)
    return icon('warn', 'wait', `${counted(facts.attention, 'part')} to look at`);
  return undefined;
}
