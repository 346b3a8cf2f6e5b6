/** Progress of the devices led to the build; the rows add up to all that were seen. */
import type { HoldReason } from '../../domain/decision.ts';
import { subjectOf } from '../../domain/progress.ts';
import { type Html, html, type Part } from '../html.ts';
import { icon } from '../icons.ts';
import { count, counted, share } from '../words.ts';
import type { InForce, NowFacts } from './facts.ts';

const HELD: Readonly<Record<HoldReason, string>> = {
  suspended: 'offers are suspended',
  outside_cohort: 'not reached yet',
  withdrawn: 'the build was withdrawn',
  incompatible_sdk: 'their Android is older than the build needs',
  up_to_date: 'run another build with the same version code',
  signer_mismatch: 'their installed app has another signer',
  ahead: 'run a newer version',
  artifact_missing: 'the APK is missing from the store',
  progress_unread: 'the gate’s state could not be read',
};

export function deviceProgressView(it: InForce, facts: NowFacts): Html {
  const { snapshot, counted: c } = it;
  if (snapshot.halts.length > 0) return tookView(it, facts);
  const subject = subjectOf(snapshot);
  const about =
    subject.kind === 'rollback'
      ? `that should go back to ${subject.buildId}`
      : `that should run ${subject.buildId}`;
  if (c === undefined)
    return html`<section class="card" aria-labelledby="h-where"><header><h2 id="h-where">Progress of the devices</h2></header><p class="q">The fleet is being counted for the first time; this takes some seconds.</p></section>`;
  const { seen, exposed, running, waiting, held, staying } = c.progress;
  const bar = [
    ['f-current', running],
    ['f-wait', waiting],
    ['f-stop', held.reduce((sum, h) => sum + h.devices, 0)],
    ['f-edge', staying],
  ] as const;
  return html`<section class="card" aria-labelledby="h-where"><header><h2 id="h-where">Progress of ${counted(seen, 'device')}</h2><p>active devices ${about}, canaries included</p></header>
${seen > 0 && distribution(bar, seen)}
<ul class="tally">
${row(KEY, running, html`run ${subject.buildId} <span class="q">${share(running, seen)}, by their last check-in</span>`)}
${row(icon('wait', 'wait'), waiting, html`wait <span class="q">are offered it and do not run it yet${saidWhy(it)}</span>`)}
${held.map(h => row(icon('halt', 'stop'), h.devices, html`cannot take it <span class="q">${HELD[h.reason]}</span>`))}
${staying > 0 && row(icon('dot', 'none'), staying, html`stay <span class="q">on a newer version; no device goes back without force_downgrade</span>`)}
${exposed > seen && row(icon('silent', 'none'), exposed - seen, html`not seen <span class="q">should run it, but did not check in within the active window; not counted above</span>`)}
</ul>
${waiting > 0 && named(c.progress.named.waiting, waiting)}</section>`;
}

/** `; 5 of them reported why: 4 wifi, 1 battery; 2 failed` */
function saidWhy({ troubles, snapshot }: InForce): string {
  if (subjectOf(snapshot).kind === 'rollback') return '';
  const rows = troubles?.troubles ?? [];
  const of = (outcome: string) => rows.filter(row => row.outcome === outcome);
  const sum = (some: typeof rows): number => some.reduce((n, row) => n + row.devices, 0);
  const deferred = of('deferred');
  const reasons = [...new Set(deferred.map(row => row.reason))].map(
    reason => `${count(sum(deferred.filter(row => row.reason === reason)))} ${reason.replaceAll('_', ' ')}`,
  );
  const failed = sum(of('fail'));
  return [
    ...(reasons.length > 0 ? [`; ${count(sum(deferred))} reported why: ${reasons.join(', ')}`] : []),
    ...(failed > 0 ? [`; ${count(failed)} failed`] : []),
  ].join('');
}

/** For a stopped build: no device is led to it any more, so this shows the devices that took it before. */
function tookView({ snapshot, evidence, running }: InForce, { counts }: NowFacts): Html {
  const { buildId } = snapshot.current;
  if (evidence === undefined)
    return html`<section class="card" aria-labelledby="h-where"><header><h2 id="h-where">Who has ${buildId}</h2><p>active devices, by their last check-in</p></header><ul class="tally">${row(KEY, running, html`run it and keep it <span class="q">${share(running, counts.active)} of the active fleet</span>`)}${row(icon('dot', 'none'), counts.active - running, html`do not run it <span class="q">and are not offered it</span>`)}</ul></section>`;
  const { cohort, canary } = evidence;
  const taken = cohort.taken + canary.taken;
  const failed = cohort.fail + canary.fail;
  const wrong = cohort.verifyFail + canary.verifyFail;
  const fine = cohort.ok + Math.max(0, canary.taken - canary.fail - canary.verifyFail);
  const open = Math.max(0, taken - fine - failed - wrong);
  const bar = [
    ['f-current', fine],
    ['f-wait', open],
    ['f-stop', failed + wrong],
  ] as const;
  return html`<section class="card" aria-labelledby="h-where"><header><h2 id="h-where">Results of ${counted(taken, 'device')} that took it</h2><p>devices that downloaded ${buildId} completely or reported a final result; ${count(canary.taken)} ${canary.taken === 1 ? 'canary' : 'canaries'} among them</p></header>
${taken > 0 && distribution(bar, taken)}
<ul class="tally">
${row(KEY, fine, html`run ${buildId} or installed it <span class="q">${share(fine, taken)}; they keep it</span>`)}
${row(icon('halt', 'stop'), failed, html`failed <span class="q">by their newest report; they keep the build they had</span>`)}
${wrong > 0 && row(icon('refused', 'stop'), wrong, html`found wrong bytes or a wrong signer <span class="q">and did not install</span>`)}
${open > 0 && row(icon('wait', 'wait'), open, html`have not reported a result <span class="q">yet</span>`)}
${row(icon('silent', 'none'), cohort.silent, html`stopped checking in <span class="q">of the ${count(cohort.takenLongAgo)} that took it long enough ago; counted above too</span>`)}
</ul><p class="s"><a href="/devices?outcome=fail&amp;of=${encodeURIComponent(buildId)}">The devices that failed</a></p></section>`;
}

const KEY = html`<svg class="key" aria-hidden="true"><rect width="11" height="11" rx="2" class="f-current"/></svg>`;

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
  html`<details class="data"><summary>${ids.length < of ? `The first ${count(ids.length)} that wait` : `${counted(of, 'device')} that wait`}</summary><p class="ids">${ids.map(id => html`<a class="mono" href="/devices/${encodeURIComponent(id)}">${id}</a> `)}</p></details>`;
