/** Builds of the active devices over time, stacked; the top line is the whole fleet. */
import { HOUR_MS } from '../../domain/duration.ts';
import type { AdoptionHour } from '../../ports/index.ts';
import { type Html, html, type Part } from '../html.ts';
import { clockOf, count, dateOf, momentAgo, NBSP } from '../words.ts';
import type { InForce, NowFacts } from './facts.ts';
import { type Mark, marksView } from './marks.ts';

const HEIGHT = 220;
const WIDTH = 1_000;
/** Position of the newest count; leaves a little room to the right of now. */
const NOW_AT = 975;

interface Band {
  readonly name: string;
  readonly look: 'current' | 'safe' | 'old' | 'other';
  readonly last: number;
  of(hour: AdoptionHour): number;
}

const sum = (running: ReadonlyMap<string, number>): number =>
  [...running.values()].reduce((a, b) => a + b, 0);

function bandsOf(it: InForce, hours: readonly AdoptionHour[]): Band[] {
  const { current, lastSafe, state } = it.snapshot;
  const last = hours.at(-1);
  const one = (name: string, label: string, look: Band['look']): Band => ({
    name: label,
    look,
    last: last?.running.get(name) ?? 0,
    of: hour => hour.running.get(name) ?? 0,
  });
  const named = [current.buildId, ...(lastSafe === undefined ? [] : [lastSafe.buildId])];
  const older = [...new Set(hours.flatMap(h => [...h.running.keys()]))]
    .filter(name => !named.includes(name) && state.builds.has(name))
    .map(name => ({ name, most: Math.max(...hours.map(h => h.running.get(name) ?? 0)) }))
    .sort((a, b) => b.most - a.most)[0]?.name;
  const shown = [...named, ...(older === undefined ? [] : [older])];
  const version = (id: string): string => `${id}${NBSP}${state.builds.get(id)?.versionName ?? ''}`;
  const rest = (hour: AdoptionHour | undefined): number =>
    hour === undefined
      ? 0
      : sum(hour.running) - shown.reduce((n, name) => n + (hour.running.get(name) ?? 0), 0);
  const looks = ['current', 'safe', 'old'] as const;
  const bands = shown.map((name, at) =>
    one(name, version(name), named.length === 1 && at === 1 ? 'old' : (looks[at] ?? 'other')),
  );
  const others: Band = { name: 'other builds', look: 'other', last: rest(last), of: hour => rest(hour) };
  return hours.some(h => rest(h) > 0) ? [...bands, others] : bands;
}

export function adoptionView(it: InForce, facts: NowFacts): Html {
  const { hours, nowMs } = facts;
  const first = hours[0];
  const head = (said: Part): Html =>
    html`<header><h2 id="h-ad">Adoption by build</h2><p>${said}</p></header>`;
  if (first === undefined || hours.length < 2)
    return html`<section class="card" aria-labelledby="h-ad">${head('active devices')}<p class="q">The curve begins after the second full hour.</p></section>`;
  const bands = bandsOf(it, hours);
  const top = Math.max(1, ...hours.map(h => sum(h.running)));
  const x = (ms: number): number => ((ms - first.hourMs) * NOW_AT) / Math.max(HOUR_MS, nowMs - first.hourMs);
  const y = (n: number): number => HEIGHT - (n * HEIGHT) / top;
  const floors = bands.map((_, at) =>
    hours.map(h => bands.slice(0, at).reduce((n, band) => n + band.of(h), 0)),
  );
  const xs = hours.map((h, at) => (at === hours.length - 1 ? NOW_AT : x(h.hourMs)).toFixed(1));
  const areas = bands.map((band, at) => {
    const floor = floors[at] ?? [];
    const upper = hours.map((h, i) => `${xs[i]},${y((floor[i] ?? 0) + band.of(h)).toFixed(1)}`);
    const lower = hours.map((_, i) => `${xs[i]},${y(floor[i] ?? 0).toFixed(1)}`).reverse();
    return html`<polygon class="f-${band.look}" points="${[...upper, ...lower].join(' ')}"/><polyline class="sep" vector-effect="non-scaling-stroke" points="${upper.join(' ')}"/>`;
  });
  const said = `${bands.map(b => `${b.name} ${count(b.last)}`).join(', ')} of ${count(sum(hours.at(-1)?.running ?? new Map()))} active devices`;
  return html`<section class="card" aria-labelledby="h-ad">${head(html`active devices, by their check-ins, since ${dateOf(first.hourMs, nowMs)}`)}
<ul class="legend">${bands.map(b => html`<li><svg class="key" aria-hidden="true"><rect width="11" height="11" rx="2" class="f-${b.look}"/></svg>${b.name} <b>${count(b.last)}</b></li>`)}</ul>
<div class="chart"><ol class="y h220" aria-hidden="true">${[1, 0.75, 0.5, 0.25, 0].map(part => html`<li>${count(top * part)}</li>`)}</ol>
<svg class="plot h220" role="img" aria-label="Which build the active devices run: ${said}">
<svg x="0" y="34" width="100%" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none">${areas}${[0.25, 0.5, 0.75].map(part => html`<line class="over" vector-effect="non-scaling-stroke" x1="0" x2="${WIDTH}" y1="${HEIGHT * part}" y2="${HEIGHT * part}"/>`)}</svg>
<line class="axis" x1="0" x2="100%" y1="254" y2="254"/>${ticks(first.hourMs, nowMs, x)}${marksView(marksOf(it, first.hourMs), ms => x(ms) / 10)}
<line class="nowl" x1="${NOW_AT / 10}%" x2="${NOW_AT / 10}%" y1="24" y2="254"/><text x="${NOW_AT / 10}%" y="272" class="em" text-anchor="middle">now</text></svg></div>
<details class="data"><summary>As a table</summary>${tableView(bands, hours, nowMs)}</details></section>`;
}

/** Midnights, thinned so that their labels do not touch; a label too close to now is left out. */
function ticks(fromMs: number, nowMs: number, x: (ms: number) => number): Html[] {
  const day = 24 * HOUR_MS;
  const days = Math.max(1, Math.ceil((nowMs - fromMs) / day));
  const stepMs = days <= 2 ? 6 * HOUR_MS : Math.ceil(days / 7) * day;
  const found: Html[] = [];
  for (let ms = Math.ceil(fromMs / stepMs) * stepMs; ms < nowMs; ms += stepMs) {
    const at = x(ms) / 10;
    const label = at > 3 && at < 90;
    const text = stepMs < day ? clockOf(ms, ms) : dateOf(ms, nowMs);
    found.push(
      html`<line class="axis" x1="${at.toFixed(2)}%" x2="${at.toFixed(2)}%" y1="254" y2="258"/>${label && html`<text x="${at.toFixed(2)}%" y="272" class="${found.length % 2 === 1 ? 'minor' : ''}" text-anchor="middle">${text}</text>`}`,
    );
  }
  return found;
}

function marksOf({ entered, snapshot }: InForce, fromMs: number): Mark[] {
  const steps = entered
    .filter(row => row.step >= 0 && row.percent !== undefined)
    .map(
      (row): Mark => ({
        atMs: row.enteredAtMs,
        shape: 'move',
        tone: 'move',
        label: `${row.percent}${NBSP}%`,
      }),
    );
  const halts = snapshot.halts.map(
    (halt): Mark => ({
      atMs: halt.atMs,
      shape: 'halt',
      tone: 'stop',
      label: halt.kind === 'gate' ? 'halt' : 'brake',
    }),
  );
  const back = snapshot.rollout.rollback
    ? [{ atMs: snapshot.appliedAtMs, shape: 'back', tone: 'back', label: 'rolled back' } satisfies Mark]
    : [];
  return [...steps, ...halts, ...back].filter(mark => mark.atMs >= fromMs);
}

function tableView(bands: readonly Band[], hours: readonly AdoptionHour[], nowMs: number): Html {
  const every = Math.ceil(hours.length / 12);
  const rows = hours.filter((_, at) => (hours.length - 1 - at) % every === 0);
  return html`<table><thead><tr><th scope="col">Hour (UTC)</th>${bands.map(b => html`<th scope="col" class="num">${b.name}</th>`)}</tr></thead><tbody>${rows.map(h => html`<tr><th scope="row">${momentAgo(h.hourMs, nowMs)}</th>${bands.map(b => html`<td class="num">${count(b.of(h))}</td>`)}</tr>`)}</tbody></table>`;
}
