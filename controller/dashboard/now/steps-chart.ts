/** The build against its steps: the share of the fleet that is offered it and the share that runs it. */
import { HOUR_MS } from '../../domain/duration.ts';
import { nextStepOf } from '../../domain/ramp/forecast.ts';
import { percentAt, rampOf } from '../../domain/ramp/progress.ts';
import type { AdoptionHour } from '../../ports/index.ts';
import { type Html, html } from '../html.ts';
import { clockOf, count, counted, dateOf, NBSP, percents } from '../words.ts';
import type { InForce, NowFacts } from './facts.ts';
import type { NowState } from './state.ts';

const HEIGHT = 220;
const WIDTH = 1_000;

interface Point {
  readonly atMs: number;
  readonly percent: number;
}

/** Undefined without a ramp, or before it begins. */
export function stepsChart(state: NowState, it: InForce, facts: NowFacts): Html | undefined {
  const { snapshot, entered } = it;
  const { nowMs } = facts;
  const first = entered.find(row => row.step >= 0);
  if (rampOf(snapshot.rollout) === undefined || first === undefined) return undefined;
  const { buildId } = snapshot.current;
  const fromMs = snapshot.progress?.beginsAtMs ?? first.enteredAtMs;
  const stopped = snapshot.halts.length > 0 || snapshot.rollout.rollback;
  const waits = stopped || state === 'asks' || state === 'needs_approval';
  const next = waits ? undefined : nextStepOf(snapshot, nowMs);
  const spanMs = Math.max(HOUR_MS, nowMs - fromMs);
  // The forecast always gets a quarter of the width.
  const toMs =
    next === undefined
      ? nowMs + spanMs * 0.04
      : Math.max(nowMs + spanMs * 0.3, Math.min(next.atMs + spanMs * 0.12, nowMs + spanMs));
  const x = (ms: number): number => Math.min(WIDTH, Math.max(0, ((ms - fromMs) * WIDTH) / (toMs - fromMs)));
  const offered = entered
    .filter(row => row.step >= 0)
    .map((row): Point => ({ atMs: Math.max(fromMs, row.enteredAtMs), percent: row.percent ?? 0 }));
  const running = ranOf(it, facts, fromMs);
  const standing = percentAt(snapshot.rollout, snapshot.progress);
  const top = topOf(Math.max(standing, next?.percent ?? 0, ...running.map(p => p.percent)));
  const y = (percent: number): number => HEIGHT - (percent * HEIGHT) / top;
  const area = running.map(p => `${x(p.atMs).toFixed(1)},${y(p.percent).toFixed(1)}`);
  const lastRun = running.at(-1)?.percent ?? 0;
  const nowAt = x(nowMs);
  const said = `${buildId} is offered to ${percents(standing)} and run by ${lastRun.toFixed(1)} % of the active fleet${next === undefined ? '' : `; ${percents(next.percent)} is next`}`;
  return html`<section class="card" aria-labelledby="h-cl"><header><h2 id="h-cl">${buildId} against its steps</h2><p>share of the active fleet, with its canaries</p></header>
<ul class="legend"><li><svg class="key" aria-hidden="true"><rect width="11" height="11" rx="2" class="f-current"/></svg>run it</li><li><svg class="key" aria-hidden="true"><line x1="0" x2="12" y1="6" y2="6" class="ceil"/></svg>offered</li>${next !== undefined && html`<li><svg class="key" aria-hidden="true"><line x1="0" x2="12" y1="6" y2="6" class="ceil plan"/></svg>planned</li>`}</ul>
<div class="chart"><ol class="y h220" aria-hidden="true">${[1, 0.75, 0.5, 0.25, 0].map(part => html`<li>${percents(Number((top * part).toFixed(1)))}</li>`)}</ol>
<svg class="plot h220" role="img" aria-label="${said}"><svg x="0" y="34" width="100%" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none">${[0.25, 0.5, 0.75].map(part => html`<line class="grid" vector-effect="non-scaling-stroke" x1="0" x2="${WIDTH}" y1="${HEIGHT * part}" y2="${HEIGHT * part}"/>`)}${area.length > 0 && html`<polygon class="f-current" points="${x(running[0]?.atMs ?? fromMs).toFixed(1)},${HEIGHT} ${area.join(' ')} ${nowAt.toFixed(1)},${HEIGHT}"/>`}<polyline class="ceil" vector-effect="non-scaling-stroke" points="${stairs(offered, stopped ? (it.snapshot.halts[0]?.atMs ?? nowMs) : nowMs, x, y)}"/>${next !== undefined && html`<polyline class="ceil plan" vector-effect="non-scaling-stroke" points="${nowAt.toFixed(1)},${y(standing).toFixed(1)} ${x(next.atMs).toFixed(1)},${y(standing).toFixed(1)} ${x(next.atMs).toFixed(1)},${y(next.percent).toFixed(1)} ${WIDTH},${y(next.percent).toFixed(1)}"/>`}</svg>
<line class="axis" x1="0" x2="100%" y1="254" y2="254"/><line class="nowl" x1="${(nowAt / 10).toFixed(2)}%" x2="${(nowAt / 10).toFixed(2)}%" y1="24" y2="254"/><text x="${(nowAt / 10).toFixed(2)}%" y="272" class="em" text-anchor="middle">now</text><text x="0" y="272">${spanMs < 20 * HOUR_MS ? clockOf(fromMs, fromMs) : dateOf(fromMs, nowMs)}</text></svg></div>
<p class="s q">${gapText(it)}</p></section>`;
}

/** Horizontal and vertical lines from step to step, up to the end of the offers. */
function stairs(
  points: readonly Point[],
  endMs: number,
  x: (ms: number) => number,
  y: (percent: number) => number,
): string {
  const strokes = points.flatMap((point, at) => {
    const before = points[at - 1];
    const here = `${x(point.atMs).toFixed(1)},${y(point.percent).toFixed(1)}`;
    return before === undefined
      ? [here]
      : [`${x(point.atMs).toFixed(1)},${y(before.percent).toFixed(1)}`, here];
  });
  const last = points.at(-1);
  return last === undefined
    ? ''
    : [...strokes, `${x(endMs).toFixed(1)},${y(last.percent).toFixed(1)}`].join(' ');
}

const activeIn = ({ running }: AdoptionHour): number => [...running.values()].reduce((sum, n) => sum + n, 0);

function ranOf({ snapshot, running }: InForce, { hours, counts, nowMs }: NowFacts, fromMs: number): Point[] {
  const past = hours
    .filter(h => h.hourMs >= fromMs && h.hourMs < nowMs - HOUR_MS)
    .map(h => ({
      atMs: h.hourMs + HOUR_MS / 2,
      percent: ((h.running.get(snapshot.current.buildId) ?? 0) * 100) / Math.max(1, activeIn(h)),
    }));
  return [...past, { atMs: nowMs, percent: (running * 100) / Math.max(1, counts.active) }];
}

/** A round number with a little room above the value. */
const topOf = (most: number): number =>
  [2, 4, 8, 12, 20, 40, 60, 80, 100].find(top => top >= most * 1.1) ?? Math.max(100, Math.ceil(most));

function gapText({ counted: c, snapshot }: InForce): string {
  if (c === undefined || snapshot.halts.length > 0) return 'Devices that run it keep it.';
  const { waiting, held } = c.progress;
  const stuck = held.reduce((sum, h) => sum + h.devices, 0);
  if (waiting + stuck === 0) return 'Every active device that is offered it runs it.';
  const parts = [`${count(waiting)} wait`, ...(stuck > 0 ? [`${count(stuck)} cannot take it`] : [])];
  return `${counted(waiting + stuck, 'active device').replaceAll(NBSP, ' ')} should run it and ${waiting + stuck === 1 ? 'does' : 'do'} not yet: ${parts.join(', ')}.`;
}
