/** One device: its version, its offer with the reasons, its reports, and its facts. */
import type { Snapshot } from '../../domain/decision.ts';
import { explain } from '../../domain/explain.ts';
import { isDeviceId } from '../../domain/ids.ts';
import type { ResultReason } from '../../domain/outcome.ts';
import type { DeviceAuth, DeviceRow, DownloadEvent, Report } from '../../ports/index.ts';
import { type Html, html, type Part } from '../html.ts';
import { icon, type Shape, type Tone } from '../icons.ts';
import type { DashboardOptions } from '../options.ts';
import type { Look, Viewed } from '../view.ts';
import { bytes, momentAgo, short } from '../words.ts';
import { changeView } from './change-view.ts';
import { androidOf, deviceOf } from './device-facts.ts';
import { ladderView, rungView } from './ladder.ts';
import { nextAnswer, runs } from './list-view.ts';

const HISTORY = 25;

export const deviceView =
  ({ ports }: DashboardOptions) =>
  async ({ request, nowMs }: Look): Promise<Viewed> => {
    const deviceId = request.params.device_id ?? '';
    const row = isDeviceId(deviceId) ? await ports.devices.get(deviceId) : undefined;
    if (row === undefined) return unknown(deviceId);
    const { snapshot } = ports.picture;
    const { reports, downloads } = await ports.outcomes.history(deviceId, HISTORY);
    const auth = ports.devices.auth(deviceId);
    const answer = nextAnswer(row, snapshot, nowMs);
    const change =
      snapshot &&
      changeView({
        row,
        snapshot,
        explained: explain(snapshot, deviceOf(row), nowMs),
        newest: reports[0],
        nowMs,
      });
    const main = html`<section class="head"><div><p class="crumb"><a href="/devices">Devices</a></p><h1 class="mono">${deviceId}</h1>
<p class="lead q">Runs <b>${runs(row, snapshot)}</b> and gets <b>${answer.text}</b> at its next check. ${row.lastSeenMs === undefined ? 'It has never checked in.' : html`Last seen ${momentAgo(row.lastSeenMs, nowMs)}.`}</p></div></section>
<div class="two wide"><div class="stack">${whyView(row, snapshot, reports[0], nowMs)}${historyView(reports, downloads, nowMs)}</div><div class="stack">${change}${factsView(row, auth, nowMs)}</div></div>`;
    return { title: deviceId, main };
  };

const unknown = (deviceId: string): Viewed => ({
  title: 'Device not found',
  status: 404,
  main: html`<section class="head"><div><p class="crumb"><a href="/devices">Devices</a></p><h1>No such device</h1><p class="lead q"><span class="mono">${deviceId.slice(0, 64)}</span> is not enrolled. <a href="/devices">Look for another</a></p></div></section>`,
});

function whyView(
  row: DeviceRow,
  snapshot: Snapshot | undefined,
  newest: Report | undefined,
  nowMs: number,
): Html {
  if (snapshot === undefined)
    return html`<section class="card"><h2>Why it gets what it gets</h2><p class="q">No release is in force, so every check is answered “try again later”.</p></section>`;
  const device = deviceOf(row);
  const explained = explain(snapshot, device, nowMs);
  const { decision } = explained;
  const waits = decision.kind === 'offer' && newest?.buildId === decision.build.buildId ? newest : undefined;
  const last =
    waits === undefined
      ? undefined
      : rungView({
          ...lookOf(waits),
          asks: 'And on the device?',
          finds: wordOf(waits),
          because: html`${waits.detail ?? ''} reported ${momentAgo(waits.atMs, nowMs)}`,
        });
  return html`<section class="card" aria-labelledby="h-why"><header><h2 id="h-why">Why it gets what it gets</h2><p>asked in this order; a tick lets it through</p></header>${ladderView(snapshot, explained, last, nowMs)}</section>`;
}

function lookOf({ outcome }: Pick<Report, 'outcome'>): { shape: Shape; tone: Tone } {
  if (outcome === 'ok') return { shape: 'ok', tone: 'ok' };
  if (outcome === 'fail') return { shape: 'halt', tone: 'stop' };
  return outcome === 'deferred' ? { shape: 'wait', tone: 'wait' } : { shape: 'dot', tone: 'none' };
}

const WAITS: Readonly<Partial<Record<ResultReason, string>>> = {
  wifi: 'Waits for Wi-Fi',
  battery: 'Waits for a fuller battery or a charger',
  call: 'Waits for a call to end',
  storage: 'Waits for free space',
};

function wordOf({ outcome, reason, buildId }: Report): string {
  const waits = outcome === 'deferred' ? WAITS[reason] : undefined;
  if (waits !== undefined) return `${waits} with ${buildId}`;
  const words = {
    ok: 'Installed',
    fail: 'Failed',
    deferred: 'Waits',
    skipped: 'Skipped',
    contradictory: 'Sent contradictory reports about',
  };
  return `${words[outcome]} ${buildId}${outcome === 'ok' ? '' : `: ${reason}`}`;
}

function historyView(reports: readonly Report[], downloads: readonly DownloadEvent[], nowMs: number): Html {
  const rows = [
    ...reports.map(report => ({
      atMs: report.atMs,
      ...lookOf(report),
      text: wordOf(report),
      more: html`${report.detail !== undefined && `${report.detail}; `}attempt <span class="mono">${short(report.requestId)}</span>` as Part,
    })),
    ...downloads.map(event => ({
      atMs: event.atMs,
      shape: 'load' as const,
      tone: (event.result === 'ok' ? 'none' : 'wait') as Tone,
      text: event.result === 'ok' ? `Downloaded ${event.buildId}` : `Download of ${event.buildId} broke off`,
      more: html`${bytes(event.bytes)}${event.result !== 'ok' && html`, <code>${event.result}</code>`}` as Part,
    })),
  ].sort((a, b) => b.atMs - a.atMs);
  return html`<section class="card" aria-labelledby="h-history"><header><h2 id="h-history">History</h2><p>the last ${HISTORY} reports and downloads</p></header>${
    rows.length === 0
      ? html`<p class="q">It has reported and downloaded nothing yet.</p>`
      : html`<ol class="tl">${rows.slice(0, HISTORY).map(row => html`<li><span>${momentAgo(row.atMs, nowMs)}</span>${icon(row.shape, row.tone)}<div><b>${row.text}</b> <span class="q">${row.more}</span></div></li>`)}</ol>`
  }</section>`;
}

function factsView(row: DeviceRow, auth: Pick<DeviceAuth, 'kid'> | undefined, nowMs: number): Html {
  const android = row.sdk === undefined ? undefined : androidOf(row.sdk);
  return html`<section class="card" aria-labelledby="h-facts"><header><h2 id="h-facts">Facts</h2></header><dl class="facts-list">
<dt>Tags</dt><dd>${row.tags.length === 0 ? 'none' : row.tags.map(tag => html`<a class="tag" href="/devices?tag=${encodeURIComponent(tag)}">${tag}</a> `)}</dd>
<dt>Android</dt><dd>${row.sdk === undefined ? 'not known' : `${android === undefined ? '' : `${android}, `}SDK ${row.sdk}`}</dd>
<dt>Version code</dt><dd>${row.versionCode ?? 'not known'}</dd>
<dt>Signer</dt><dd class="mono">${row.signer === undefined ? 'not known' : `${row.signer.slice(0, 8)}…${row.signer.slice(-6)}`}</dd>
<dt>Enrolled</dt><dd>${momentAgo(row.enrolledAtMs, nowMs)}</dd>
${row.revokedAtMs !== undefined && html`<dt>Revoked</dt><dd class="stop">${momentAgo(row.revokedAtMs, nowMs)}</dd>`}
<dt>Token</dt><dd>generation ${row.generation}, ${auth?.kid === undefined ? 'not used yet' : auth.kid === ':imported' ? 'of another system' : `key ${auth.kid}`}</dd>
<dt>Push</dt><dd>${row.hasPushToken ? 'has a push token' : 'no push token; it hears of updates when it polls'}</dd></dl></section>`;
}
