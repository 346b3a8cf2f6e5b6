/** Why devices do not run the build, by reason and Android version. Counts devices, not attempts. */
import { BUILD_FAILURES } from '../../domain/gate/evidence.ts';
import { type ResultReason, VERIFY_FAILURES } from '../../domain/outcome.ts';
import type { Trouble } from '../../ports/index.ts';
import { androidOf } from '../devices/device-facts.ts';
import { type Html, html } from '../html.ts';
import { count, momentAgo } from '../words.ts';
import type { InForce, NowFacts } from './facts.ts';

const MOST_SDKS = 8;

interface Group {
  readonly name: string;
  readonly heat: 'h' | 'n';
  readonly takes: (trouble: Trouble) => boolean;
}

const isFail = (t: Trouble): boolean => t.outcome === 'fail';
const GROUPS: readonly Group[] = [
  { name: 'Counts against the build', heat: 'h', takes: t => isFail(t) && BUILD_FAILURES.has(t.reason) },
  { name: 'Wrong bytes or signer', heat: 'h', takes: t => isFail(t) && VERIFY_FAILURES.has(t.reason) },
  {
    name: 'Does not count: the device or its network',
    heat: 'n',
    takes: t => isFail(t) && !BUILD_FAILURES.has(t.reason) && !VERIFY_FAILURES.has(t.reason),
  },
  { name: 'Waiting; goes on by itself', heat: 'n', takes: t => t.outcome === 'deferred' },
];

export function troublesView({ troubles, snapshot, evidence, counted }: InForce, { nowMs }: NowFacts): Html {
  const { buildId } = troubles ?? { buildId: snapshot.current.buildId };
  const rows = troubles?.troubles ?? [];
  const head = html`<header><h2 id="h-fail">Failures and delays of ${buildId}</h2><p>devices that do not run it, by their newest report${troubles !== undefined && html`; counted ${momentAgo(troubles.atMs, nowMs)}`}</p></header>`;
  if (rows.length === 0)
    return html`<section class="card" aria-labelledby="h-fail">${head}<p class="q">${troubles === undefined ? 'They are being counted.' : 'None. No device on another build has reported a failure or a delay.'}</p></section>`;
  const led = Math.max(counted?.progress.seen ?? 0, evidence?.cohort.taken ?? 0);
  const sdks = [...new Set(rows.map(r => r.sdk))].sort((a, b) => (a ?? 0) - (b ?? 0)).slice(-MOST_SDKS);
  return html`<section class="card" aria-labelledby="h-fail">${head}
<table class="heat"><thead><tr><th scope="col">Reason</th>${sdks.map(sdk => html`<th scope="col">${sdk === undefined ? 'unknown' : (androidOf(sdk) ?? '')}<br>${sdk !== undefined && sdk}</th>`)}<th scope="col">All</th></tr></thead>
${GROUPS.map(group => groupView(group, rows.filter(group.takes), sdks, led, buildId))}</table>
<p class="xs qq">Columns: Android and its SDK. A device counts once, however often it tried.</p></section>`;
}

/** Colour by the share of the devices led to the build, so one device of hundreds is always pale. */
function heatOf(devices: number, led: number, most: number): number {
  const percent = (devices * 100) / Math.max(1, led);
  return Math.min(most, 1 + [2, 5, 15].filter(limit => percent > limit).length);
}

function groupView(
  group: Group,
  rows: readonly Trouble[],
  sdks: readonly (number | undefined)[],
  led: number,
  buildId: string,
): Html | undefined {
  if (rows.length === 0) return undefined;
  const reasons = [...new Set(rows.map(r => r.reason))];
  return html`<tbody><tr class="grp"><th scope="rowgroup" colspan="${sdks.length + 2}">${group.name}</th></tr>${reasons.map(reason => reasonView(group, reason, rows, sdks, led, buildId))}</tbody>`;
}

function reasonView(
  group: Group,
  reason: ResultReason,
  all: readonly Trouble[],
  sdks: readonly (number | undefined)[],
  led: number,
  buildId: string,
): Html {
  const rows = all.filter(r => r.reason === reason);
  const total = rows.reduce((sum, r) => sum + r.devices, 0);
  const outcome = rows[0]?.outcome ?? 'fail';
  return html`<tr><th scope="row"><code>${reason}</code></th>${sdks.map(sdk => {
    const devices = rows.find(r => r.sdk === sdk)?.devices ?? 0;
    if (devices === 0) return html`<td><span aria-hidden="true">·</span><span class="vh">0</span></td>`;
    return html`<td class="${group.heat}${heatOf(devices, led, group.heat === 'h' ? 4 : 3)}">${count(devices)}</td>`;
  })}<td class="sum"><a href="/devices?outcome=${outcome}&amp;of=${encodeURIComponent(buildId)}">${count(total)}</a></td></tr>`;
}
