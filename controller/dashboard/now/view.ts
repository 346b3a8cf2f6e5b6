/** *Now*: one heading is the answer, everything below it is its evidence. */
import { actsView } from '../actions.ts';
import type { Look, Viewed } from '../dashboard.ts';
import { type Html, html } from '../html.ts';
import type { DashboardOptions } from '../options.ts';
import { emptyView } from './empty.ts';
import { gatherNow, type InForce, type NowFacts } from './facts.ts';
import { gateView } from './gate.ts';
import { endsView } from './halted.ts';
import { heroOf, heroView } from './hero.ts';
import { notesView } from './notes.ts';
import { numbersView } from './numbers.ts';
import { standView } from './stand.ts';
import { stateOf } from './state.ts';
import { stepsView } from './steps.ts';

export const nowView =
  (options: DashboardOptions) =>
  async (look: Look): Promise<Viewed> => {
    const facts = await gatherNow(options);
    const { inForce } = facts;
    const main =
      inForce === undefined
        ? html`${notesView(facts)}${emptyView(facts, options)}`
        : standing(inForce, facts, look);
    return { title: 'Now', main };
  };

function standing(it: InForce, facts: NowFacts, { session }: Look): Html {
  const state = stateOf(it);
  const hero = heroOf(state, it, facts);
  const ends = endsView(state, it);
  return html`${heroView(hero, actsView(state, it, session.viewer))}
${notesView(facts)}
${stepsView(state, it, facts)}
${numbersView(it, facts)}
<div class="two even">${standView(it)}${gateView(state, it)}</div>
${ends}`;
}
