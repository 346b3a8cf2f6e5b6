/** *Devices*: search by id prefix, tag, build, newest report and last-seen time. */
import { adoptionOf } from '../../domain/adoption.ts';
import { decide, type Snapshot } from '../../domain/decision.ts';
import { DAY_MS } from '../../domain/duration.ts';
import { HOLD_WHY } from '../../domain/explain.ts';
import { RECORDED_OUTCOMES, type RecordedOutcome } from '../../domain/outcome.ts';
import type { DeviceFilter, DeviceRow, FleetCounts } from '../../ports/index.ts';
import { type Html, html, type Part } from '../html.ts';
import { icon, type Shape, type Tone } from '../icons.ts';
import type { DashboardOptions } from '../options.ts';
import { linkTo, pager, textOf } from '../pager.ts';
import type { Look, Viewed } from '../view.ts';
import { count, counted, momentAgo, span } from '../words.ts';
import { deviceOf } from './device-facts.ts';

const PAGE = 12;

const SEEN: Readonly<Record<string, { name: string; search: (nowMs: number) => Partial<DeviceFilter> }>> = {
  day: { name: 'in the last 24 h', search: nowMs => ({ seenSinceMs: nowMs - DAY_MS }) },
  week: { name: 'in the last 7 days', search: nowMs => ({ seenSinceMs: nowMs - 7 * DAY_MS }) },
  'not-day': { name: 'not for 24 h', search: nowMs => ({ notSeenSinceMs: nowMs - DAY_MS }) },
  'not-week': { name: 'not for 7 days', search: nowMs => ({ notSeenSinceMs: nowMs - 7 * DAY_MS }) },
};

const OUTCOMES: Readonly<Record<RecordedOutcome, string>> = {
  ok: 'installed it',
  fail: 'failed',
  deferred: 'waits',
  skipped: 'skipped it',
  contradictory: 'contradicted itself',
};

const isOutcome = (text: string | undefined): text is RecordedOutcome =>
  (RECORDED_OUTCOMES as readonly (string | undefined)[]).includes(text);

function filterOf(query: URLSearchParams, snapshot: Snapshot | undefined, nowMs: number): DeviceFilter {
  const buildId = textOf(query, 'build');
  const build = buildId === undefined ? undefined : snapshot?.state.builds.get(buildId);
  const outcome = textOf(query, 'outcome');
  const of = textOf(query, 'of') ?? snapshot?.current.buildId;
  return {
    prefix: textOf(query, 'q'),
    tag: textOf(query, 'tag'),
    build: buildId === undefined ? undefined : { buildId, versionCode: build?.versionCode },
    attempt: isOutcome(outcome) && of !== undefined ? { buildId: of, outcome } : undefined,
    ...SEEN[query.get('seen') ?? '']?.search(nowMs),
  };
}

export const devicesView =
  (options: DashboardOptions) =>
  async ({ request: { query }, nowMs }: Look): Promise<Viewed> => {
    const { ports, activeWithinMs } = options;
    const { snapshot } = ports.picture;
    const counts = await ports.devices.counts(nowMs, activeWithinMs);
    const found = await ports.devices.find({
      after: textOf(query, 'after'),
      limit: PAGE,
      filter: filterOf(query, snapshot, nowMs),
    });
    // The search limit was reached before a page was full.
    const cut = found.next !== undefined && found.rows.length < PAGE;
    const filtered = ['q', 'tag', 'build', 'outcome', 'seen'].some(name => textOf(query, name) !== undefined);
    const next =
      found.next === undefined
        ? undefined
        : {
            href: linkTo('/devices', query, { after: found.next }),
            name: cut ? 'Look further on' : 'More',
          };
    const said = cut
      ? html`${count(found.rows.length)} found among the first 10,000 that could fit, up to <span class="mono">${found.next ?? ''}</span>`
      : html`${counted(found.rows.length, 'device')}, by id${filtered && ' and filter'}`;
    return {
      title: 'Devices',
      main: html`<section class="head"><div><h1>Devices</h1><p class="lead q"><b>${count(counts.enrolled)}</b> enrolled, <b>${count(counts.active)}</b> active: checked within ${span(activeWithinMs)}.</p></div>${chips(query, snapshot, counts)}</section>
${
  counts.enrolled === 0
    ? nobody
    : html`${filterForm(query, snapshot)}
<section class="card">${
        found.rows.length === 0
          ? html`<p class="q">No device fits${cut && ' among those that were looked at'}. <a href="/devices">Show all</a></p>`
          : html`<table class="rows" role="table"><thead><tr role="row"><th scope="col">Device</th><th scope="col">Runs</th><th scope="col">Gets at its next check</th><th scope="col">Last seen</th><th scope="col">Tags</th></tr></thead><tbody>${found.rows.map(row => deviceRow(row, snapshot, nowMs))}</tbody></table>`
      }${pager(said, next)}</section>`
}`,
    };
  };

/** The builds with the most active devices. */
function chips(
  query: URLSearchParams,
  snapshot: Snapshot | undefined,
  counts: FleetCounts,
): Html | undefined {
  if (snapshot === undefined) return undefined;
  const builds = [...snapshot.state.builds.values()]
    .map(build => ({ build, devices: adoptionOf(build, counts).devices }))
    .filter(({ devices }) => devices > 0)
    .sort((a, b) => b.devices - a.devices)
    .slice(0, 5);
  const chosen = textOf(query, 'build');
  return html`<p class="chips">${builds.map(({ build: { buildId }, devices }) => html`<a class="chip" href="${linkTo('/devices', new URLSearchParams(), { build: buildId })}"${chosen === buildId && html` aria-current="true"`}><b>${count(devices)}</b> run ${buildId}</a>`)}</p>`;
}

const nobody = html`<section class="card"><p>No device is enrolled. The token and the nudge key are shown once, on the terminal:</p><pre class="cmd">ota device enrol kiosk-7 --tag qa</pre></section>`;

function filterForm(query: URLSearchParams, snapshot: Snapshot | undefined): Html {
  const value = (name: string): string => textOf(query, name) ?? '';
  const option = (of: string, name: string, text: string): Html =>
    html`<option value="${name}"${value(of) === name && html` selected`}>${text}</option>`;
  const builds = [...(snapshot?.state.builds.values() ?? [])]
    .sort((a, b) => b.versionCode - a.versionCode)
    .slice(0, 50);
  return html`<search><form class="filter" action="/devices" method="get">
<label class="grow">Id begins with<input type="search" name="q" value="${value('q')}" maxlength="64" autocomplete="off" spellcheck="false"></label>
<label>Tag<input name="tag" value="${value('tag')}" maxlength="64" autocomplete="off" spellcheck="false"></label>
<label>Runs<select name="build">${option('build', '', 'any build')}${builds.map(b => option('build', b.buildId, `${b.buildId} ${b.versionName}`))}</select></label>
<label>Said of ${snapshot === undefined ? 'the build' : (textOf(query, 'of') ?? snapshot.current.buildId)}<select name="outcome">${option('outcome', '', 'anything')}${RECORDED_OUTCOMES.map(o => option('outcome', o, OUTCOMES[o]))}</select></label>
<label>Seen<select name="seen">${option('seen', '', 'at any time')}${Object.entries(SEEN).map(([name, { name: text }]) => option('seen', name, text))}</select></label>
${textOf(query, 'of') !== undefined && html`<input type="hidden" name="of" value="${value('of')}">`}
<button class="btn" type="submit">Find</button></form></search>`;
}

/** The answer to the next check, in short. */
export function nextAnswer(
  row: DeviceRow,
  snapshot: Snapshot | undefined,
  nowMs: number,
): { shape: Shape; tone: Tone; text: string } {
  if (row.revokedAtMs !== undefined)
    return { shape: 'refused', tone: 'stop', text: 'nothing: it is revoked' };
  if (snapshot === undefined) return { shape: 'none', tone: 'none', text: 'nothing: no release is in force' };
  const decision = decide(snapshot, deviceOf(row), nowMs);
  if (decision.kind === 'offer')
    return {
      shape: 'move',
      tone: 'move',
      text: `${decision.build.buildId}${decision.forceDowngrade ? ', forced back' : ''}`,
    };
  const stuck = ['signer_mismatch', 'incompatible_sdk', 'artifact_missing', 'withdrawn'].includes(
    decision.reason,
  );
  const fine = decision.reason === 'up_to_date';
  return {
    shape: fine ? 'ok' : stuck ? 'halt' : decision.reason === 'suspended' ? 'pause' : 'dot',
    tone: fine ? 'ok' : stuck ? 'stop' : decision.reason === 'suspended' ? 'pause' : 'none',
    text: fine ? 'nothing new' : HOLD_WHY[decision.reason],
  };
}

function deviceRow(row: DeviceRow, snapshot: Snapshot | undefined, nowMs: number): Html {
  const { shape, tone, text } = nextAnswer(row, snapshot, nowMs);
  return html`<tr role="row"><th role="rowheader" scope="row"><a class="mono" href="/devices/${encodeURIComponent(row.deviceId)}">${row.deviceId}</a></th><td role="cell" class="r">${runs(row, snapshot)}</td><td role="cell" class="l2">${icon(shape, tone)} ${text}</td><td role="cell" class="l2">${row.lastSeenMs === undefined ? html`<span class="qq">never</span>` : momentAgo(row.lastSeenMs, nowMs)}</td><td role="cell" class="l2">${row.tags.map(tag => html`<a class="tag" href="/devices?tag=${encodeURIComponent(tag)}">${tag}</a> `)}</td></tr>`;
}

export function runs(row: DeviceRow, snapshot: Snapshot | undefined): Part {
  if (row.versionCode === undefined) return html`<span class="qq">not known</span>`;
  const build = snapshot?.buildsByCode.get(row.versionCode);
  const named = row.buildId ?? build?.buildId;
  return named === undefined
    ? `code ${row.versionCode}`
    : `${named}${build?.buildId === named ? ` ${build.versionName}` : ''}`;
}
