/** Shown while nothing is in force: the first steps with their commands, and what the controller has found so far. */
import { type Html, html, type Part } from '../html.ts';
import { icon, state } from '../icons.ts';
import type { DashboardOptions } from '../options.ts';
import { count, counted, momentAgo } from '../words.ts';
import type { NowFacts } from './facts.ts';

export function emptyView(
  { status, counts, nowMs }: NowFacts,
  { source }: Pick<DashboardOptions, 'source'>,
): Html {
  const problems = status.problems.filter(p => p.severity === 'error');
  const where = html`<span class="mono">${source.name}${source.branch !== undefined && `@${source.branch}`}</span>`;
  const met: Part =
    status.sourceFault !== undefined
      ? html`${where} cannot be read: <code>${status.sourceFault}</code>. Check <code>OTA_SOURCE</code> and the network.`
      : status.sourceReadAtMs === undefined
        ? html`${where} is being read for the first time.`
        : html`Read ${momentAgo(status.sourceReadAtMs, nowMs)}: ${where}${problems.length > 0 ? html` has ${counted(problems.length, 'problem')}.` : '.'}`;
  return html`<section aria-labelledby="h1"><div aria-live="polite"><p class="kicker">${state('none', 'none', 'Nothing in force yet')}</p>
<h1 id="h1">Three steps to the first update</h1>
<p class="lead q">The controller runs and answers; it has no release yet. Every check gets “503, try again later”, so agents wait and change nothing.</p></div></section>
<section class="card"><ol class="first">
<li>${icon(status.attemptedRevision === undefined ? 'move' : 'refused', status.attemptedRevision === undefined ? 'move' : 'stop')}<div><h2>Give the repository a release</h2><p>${met}</p>
${problems.length > 0 && html`<ul class="plainlist">${problems.slice(0, 5).map(p => html`<li><code>${p.code}</code> <span class="mono">${p.file}${p.line > 0 && `:${p.line}`}</span> ${p.message}${p.hint !== undefined && html` <span class="q">${p.hint}</span>`}</li>`)}</ul>`}
<pre class="cmd">ota build add app-release.apk
ota promote b41 --percent 100 --open-pr</pre></div></li>
<li>${counts.enrolled > 0 ? icon('ok', 'ok') : icon('none', 'none')}<div><h2>Enrol a device</h2><p>${count(counts.enrolled)} enrolled. The token and the nudge key are shown once, on the terminal, and cannot be read again.</p>
<pre class="cmd">ota device enrol kiosk-7 --tag qa</pre></div></li>
<li>${counts.active > 0 ? icon('ok', 'ok') : icon('none', 'none')}<div><h2>Watch it take the build</h2><p>Its first check appears here within seconds. If it does not, its page under <a href="/devices">Devices</a> says why.</p></div></li>
</ol></section>`;
}
