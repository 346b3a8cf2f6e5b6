/** *Builds*: facts, signer, devices and install results of each build. */
import { adoptionOf } from '../domain/adoption.ts';
import type { Snapshot } from '../domain/decision.ts';
import { allSigners, type Build } from '../domain/release.ts';
import type { FleetCounts, OutcomeCounts } from '../ports/index.ts';
import { type Html, html, type Part } from './html.ts';
import { icon, state } from './icons.ts';
import type { DashboardOptions } from './options.ts';
import { linkTo, pager } from './pager.ts';
import type { Look, Viewed } from './view.ts';
import { bytes, count, counted, momentAgo, share } from './words.ts';

const PAGE = 12;

export const buildsView =
  (options: DashboardOptions) =>
  async ({ request: { query }, nowMs }: Look): Promise<Viewed> => {
    const { ports, activeWithinMs } = options;
    const { snapshot } = ports.picture;
    if (snapshot === undefined) return { title: 'Builds', main: noBuilds };
    const counts = await ports.devices.counts(nowMs, activeWithinMs);
    const all = [...snapshot.state.builds.values()].sort((a, b) => b.versionCode - a.versionCode);
    const from = Math.min(Math.max(0, Number.parseInt(query.get('from') ?? '0', 10) || 0), all.length);
    const shown = all.slice(from, from + PAGE);
    const cards: Html[] = [];
    for (const build of shown)
      cards.push(
        card(
          build,
          snapshot,
          counts,
          await ports.outcomes.counts(build.buildId),
          await ports.artifacts.has(build.sha256),
          nowMs,
        ),
      );
    const next =
      from + PAGE < all.length
        ? { href: linkTo('/builds', query, { from: String(from + PAGE) }), name: 'Older' }
        : undefined;
    return {
      title: 'Builds',
      main: html`<section class="head"><div><h1>Builds</h1><p class="lead q">${counted(all.length, 'build')} declared in the revision in force, the newest first. ${undeclared(all, counts)}</p></div></section>
<div class="stack">${cards}</div>
${pager(`${count(from + 1)} to ${count(from + shown.length)} of ${count(all.length)}`, next)}`,
    };
  };

const noBuilds = html`<section class="head"><div><h1>Builds</h1></div></section>
<section class="card"><p>No revision is in force, so no build is declared. Declare the first one from an APK:</p><pre class="cmd">ota build add app-release.apk</pre></section>`;

function undeclared(builds: readonly Build[], counts: FleetCounts): string {
  const run = builds.reduce((sum, build) => sum + adoptionOf(build, counts).devices, 0);
  const rest = counts.active - run;
  return rest <= 0
    ? 'Every active device runs one of them.'
    : `${counted(rest, 'active device')} ${rest === 1 ? 'runs a build' : 'run builds'} that no file declares.`;
}

function saidOf({ buildId }: Build, results: OutcomeCounts): Part {
  const { ok, confirmed, fail, deferred, verifyFail } = results;
  if (ok + fail + deferred === 0) return 'no device has reported an attempt at it';
  const failed =
    fail === 0
      ? '0 failed'
      : html`<a href="/devices?outcome=fail&amp;of=${encodeURIComponent(buildId)}">${count(fail)} failed</a>`;
  return html`${counted(ok, 'device')} installed it, ${count(confirmed)} of them confirmed by a later check; ${failed}, ${count(deferred)} wait${verifyFail > 0 && html`; <b class="stop">${count(verifyFail)} found wrong bytes or a wrong signer</b>`}`;
}

function roleOf(build: Build, { current, lastSafe }: Snapshot): Part {
  if (build.withdrawn !== undefined) return state('refused', 'stop', 'Withdrawn');
  if (build.buildId === current.buildId) return state('move', 'move', 'Current');
  if (build.buildId === lastSafe?.buildId) return state('ok', 'ok', 'Last safe');
  return state('dot', 'none', 'Declared');
}

function card(
  build: Build,
  snapshot: Snapshot,
  counts: FleetCounts,
  results: OutcomeCounts,
  stored: boolean,
  nowMs: number,
): Html {
  const { devices, activeDevices } = adoptionOf(build, counts);
  const heading = `h-${build.buildId}`;
  const signers = allSigners(build);
  return html`<section class="card" aria-labelledby="${heading}"><header><h2 id="${heading}">${build.buildId} <span class="q">${build.versionName}, code ${build.versionCode}</span></h2><p>${roleOf(build, snapshot)}</p></header>
${build.withdrawn !== undefined && html`<p class="verdict t-stop">“${build.withdrawn.reason}” Withdrawn ${momentAgo(build.withdrawn.atMs, nowMs)}; it is never offered again.</p>`}
${build.notes !== undefined && html`<p class="notes">${build.notes}</p>`}
<div class="two"><dl class="facts-list">
<dt>Run it</dt><dd><a href="/devices?build=${encodeURIComponent(build.buildId)}"><b>${count(devices)}</b> of ${count(activeDevices)} active</a>, ${share(devices, activeDevices)}</dd>
<dt>Reports</dt><dd>${saidOf(build, results)}</dd>
<dt>APK</dt><dd>${stored ? html`${icon('ok', 'ok')} stored, ${bytes(build.sizeBytes)}` : html`${icon('halt', 'stop')} <b class="stop">missing</b>: it is offered to nobody until it is uploaded again`}</dd></dl>
<dl class="facts-list">
<dt>Package</dt><dd class="mono">${build.package}</dd>
<dt>Needs</dt><dd>SDK ${build.minSdk} or newer</dd>
<dt>SHA-256</dt><dd class="mono hash">${build.sha256}</dd>
<dt>${signers.length === 1 ? 'Signer' : 'Signers'}</dt><dd class="mono hash">${signers.map(s => html`<span>${s}</span> `)}</dd>
${build.signerLineage.length > 0 && html`<dt>Former keys</dt><dd class="mono hash">${build.signerLineage.map(s => html`<span>${s}</span> `)}</dd>`}</dl></div></section>`;
}
