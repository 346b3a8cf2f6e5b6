/** *Now*: the heading gives the answer, the rest gives the evidence. */
import { actsView } from '../actions.ts';
import { type Html, html } from '../html.ts';
import type { DashboardOptions } from '../options.ts';
import type { Look, Viewed } from '../view.ts';
import { adoptionView } from './adoption.ts';
import { deviceProgressView } from './device-progress.ts';
import { emptyView } from './empty.ts';
import { gatherNow, type InForce, type NowFacts } from './facts.ts';
import { gateView } from './gate.ts';
import { endsView } from './halted.ts';
import { heroOf, heroView } from './hero.ts';
import { notesView } from './notes.ts';
import { numbersView } from './numbers.ts';
import { recentView } from './recent.ts';
import { type NowState, stateOf } from './state.ts';
import { stepsView } from './steps.ts';
import { stepsChart } from './steps-chart.ts';
import { troublesView } from './troubles.ts';

export function nowView(options: DashboardOptions, version: () => string): (look: Look) => Promise<Viewed> {
  const gathered = shared(options, version);
  return async look => {
    const facts = await gathered();
    const { inForce } = facts;
    const main =
      inForce === undefined
        ? html`${notesView(facts)}${emptyView(facts, options)}`
        : standing(inForce, facts, look);
    return { title: 'Now', main };
  };
}

const SHARED_MS = 1_000;

/** Cached for a second unless something changes, because all open pages ask at the same time. */
function shared(options: DashboardOptions, version: () => string): () => Promise<NowFacts> {
  let last: { readonly key: string; readonly facts: Promise<NowFacts> } | undefined;
  return () => {
    const key = `${version()} ${Math.floor(options.monotonicMs() / SHARED_MS)}`;
    if (last?.key !== key) last = { key, facts: gatherNow(options) };
    const { facts } = last;
    // Failures are not cached.
    facts.catch(() => {
      last = undefined;
    });
    return facts;
  };
}

function standing(it: InForce, facts: NowFacts, { session }: Look): Html {
  const state = stateOf(it);
  const hero = heroOf(state, it, facts);
  const ends = endsView(state, it);
  const gate = gateView(state, it);
  const recent = recentView(facts);
  // The column beside the devices is long, so the ways to end the state come first there.
  const beside = ends ?? recent;
  const below = ends === undefined ? undefined : recent;
  return html`${heroView(hero, actsView(state, it, session))}
${notesView(facts)}
${stepsView(state, it, facts)}
${numbersView(it, facts)}
<div class="two"><div class="stack">${deviceProgressView(it, facts)}${troublesView(it, facts)}</div><div class="stack">${gate}${beside}</div></div>
${charts(state, it, facts)}
${below}`;
}

function charts(state: NowState, it: InForce, facts: NowFacts): Html {
  const close = stepsChart(state, it, facts);
  const adoption = adoptionView(it, facts);
  return close === undefined ? adoption : html`<div class="two wide even">${adoption}${close}</div>`;
}
