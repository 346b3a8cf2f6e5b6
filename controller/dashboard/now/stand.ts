/** Where the devices stand that are led to the build: the rows add up to all of them that were seen. */
import type { HoldReason } from '../../domain/decision.ts';
import { subjectOf } from '../../domain/progress.ts';
import { type Html, html, type Part } from '../html.ts';
import { icon } from '../icons.ts';
import { count, counted, share } from '../words.ts';
import type { InForce } from './facts.ts';

const HELD: Readonly<Record<HoldReason, string>> = {
  suspended: 'offers are suspended',
  outside_cohort: 'not reached yet',
  withdrawn: 'the build was withdrawn',
  incompatible_sdk: 'their Android is older than the build needs',
  up_to_date: 'run another build with the same version code',
  signer_mismatch: 'their installed app has another signer',
  ahead: 'run a newer version',
  artifact_missing: 'the APK is missing from the store',
};

export function standView(it: InForce): Html {
  const { snapshot, counted: c } = it;
  const subject = subjectOf(snapshot);
  const about = subject.kind === 'rollback' ? `led back to ${subject.buildId}` : `led to ${subject.buildId}`;
  if (c === undefined)
    return html`<section class="card" aria-labelledby="h-where"><header><h2 id="h-where">Where devices stand</h2></header><p class="q">The fleet is being counted for the first time; this takes some seconds.</p></section>`;
  const { seen, exposed, running, waiting, held, staying } = c.progress;
  const bar = [
    ['f-current', running],
    ['f-wait', waiting],
    ['f-stop', held.reduce((sum, h) => sum + h.devices, 0)],
    ['f-edge', staying],
  ] as const;
  return html`<section class="card" aria-labelledby="h-where"><header><h2 id="h-where">Where the ${count(seen)} stand</h2><p>active devices ${about}, canaries included</p></header>
${seen > 0 && distribution(bar, seen)}
<ul class="tally">
${row(html`<svg class="key" aria-hidden="true"><rect width="11" height="11" rx="2" class="f-current"/></svg>`, running, html`run ${subject.buildId} <span class="q">${share(running, seen)}, as they said when they last checked</span>`)}
${row(icon('wait', 'wait'), waiting, html`wait <span class="q">are offered it, and have not said that they run it</span>`)}
${held.map(h => row(icon('halt', 'stop'), h.devices, html`cannot take it <span class="q">${HELD[h.reason]}</span>`))}
${staying > 0 && row(icon('dot', 'none'), staying, html`stay <span class="q">on a newer version; nothing goes back without force_downgrade</span>`)}
${exposed > seen && row(icon('silent', 'none'), exposed - seen, html`not seen <span class="q">led to it, but silent longer than the active window; not counted above</span>`)}
</ul>
${waiting > 0 && named(c.progress.named.waiting, waiting)}</section>`;
}

const row = (mark: Part, devices: number, text: Part): Html =>
  html`<li>${mark}<b>${count(devices)}</b><span>${text}</span></li>`;

function distribution(parts: readonly (readonly [string, number])[], of: number): Html {
  let x = 0;
  return html`<svg class="dist" aria-hidden="true">${parts.map(([look, devices]) => {
    const from = x;
    x += (devices * 100) / of;
    return (
      devices > 0 &&
      html`<rect x="${from.toFixed(2)}%" width="${((devices * 100) / of).toFixed(2)}%" height="14" class="${look}"/>`
    );
  })}</svg>`;
}

const named = (ids: readonly string[], of: number): Html =>
  html`<details class="data"><summary>${ids.length < of ? `The first ${count(ids.length)} that wait` : `${counted(of, 'device')} that wait`}</summary><p class="ids">${ids.map(id => html`<span class="mono">${id}</span> `)}</p></details>`;
