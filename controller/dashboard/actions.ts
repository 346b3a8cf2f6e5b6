/** What a person can do about what they see. Each way is named by its effect; the ways back come first. */
import { SUSPEND_HOURS } from './change/ask.ts';
import { type Html, html } from './html.ts';
import { icon } from './icons.ts';
import type { InForce } from './now/facts.ts';
import type { NowState } from './now/state.ts';
import type { Ability, Viewer } from './session.ts';

type Way = 'back' | 'brake' | 'resume' | 'promote' | 'percent' | 'suspend' | 'unsuspend';

const WAYS: Readonly<Record<NowState, readonly Way[]>> = {
  halted: ['back', 'resume', 'promote'],
  braked: ['back', 'resume'],
  rolled_back: ['promote'],
  withdrawn: ['promote'],
  suspended: ['back', 'unsuspend'],
  asks: ['back', 'brake', 'resume'],
  needs_approval: ['back', 'brake', 'suspend'],
  not_begun: ['back', 'brake', 'suspend'],
  ramping: ['back', 'brake', 'suspend'],
  fixed: ['back', 'brake', 'percent', 'suspend'],
  closed: ['promote', 'percent'],
  arriving: ['back', 'brake', 'suspend'],
  completed: ['promote', 'back'],
};

/** Where the page itself recommends it. */
const RECOMMENDED: Partial<Record<NowState, Way>> = {
  halted: 'back',
  braked: 'back',
  rolled_back: 'promote',
  withdrawn: 'promote',
};

/** Shares that people choose, above where the rollout stands. */
const PERCENTS = [1, 5, 10, 25, 50, 100];

export interface ActsLook {
  readonly viewer: Viewer;
  readonly formToken: string;
}

export function actsView(state: NowState, it: InForce, look: ActsLook): Html {
  const main = RECOMMENDED[state];
  const ways = WAYS[state].filter(way => look.viewer.may.has(abilityFor(way)));
  if (ways.length === 0)
    return html`<div class="acts"><p>You can look at everything here. Proposers and operators make changes.</p></div>`;
  const parts = ways.map(way => wayView(way, way === main, it, look));
  return html`<div class="acts"><div class="row">${parts}</div><p>A button with … shows a plan first and opens a pull request.${ways.includes('brake') && ' Brake acts at once.'}</p></div>`;
}

/** Nobody is shown a button that would refuse them. */
const abilityFor = (way: Way): Ability => (way === 'brake' || way === 'resume' ? 'brake' : 'propose');

function wayView(way: Way, main: boolean, it: InForce, { formToken }: ActsLook): Html | undefined {
  const kind = main ? 'btn main' : 'btn';
  const token = html`<input type="hidden" name="form_token" value="${formToken}">`;
  switch (way) {
    case 'back':
      return it.snapshot.rollout.lastSafe === undefined
        ? undefined
        : html`<a class="${kind}" href="/change/rollback">Roll back…</a>`;
    case 'brake':
      return html`<form method="post" action="/brake">${token}<button class="btn brake" type="submit">${icon('halt')}Brake</button></form>`;
    case 'resume':
      return html`<details class="drop"><summary class="btn">Resume…</summary><form class="stack-s" method="post" action="/resume">${token}<label class="field"><b>Why it is safe to go on</b><textarea name="reason" required maxlength="1000"></textarea></label><button class="btn main" type="submit">Resume now</button></form></details>`;
    case 'promote':
      return html`<details class="drop"><summary class="${kind}">Promote…</summary>${promoteForm(it)}</details>`;
    case 'percent':
      return html`<details class="drop"><summary class="${kind}">Go to…</summary><form class="stack-s" method="get" action="/change/rollout"><label class="field"><b>Share of the fleet, %</b><input name="percent" inputmode="decimal" required pattern="[0-9]{1,3}(\\.[0-9]{1,2})?" list="percents"></label><datalist id="percents">${PERCENTS.map(percent => html`<option value="${percent}">`)}</datalist><button class="btn" type="submit">Show the plan</button></form></details>`;
    case 'suspend':
      return html`<details class="drop"><summary class="${kind}">Suspend…</summary><form class="stack-s" method="get" action="/change/suspend"><label class="field"><b>For how long</b><select name="hours">${SUSPEND_HOURS.map(hours => html`<option value="${hours}">${hours} h</option>`)}</select></label><button class="btn" type="submit">Show the plan</button></form></details>`;
    case 'unsuspend':
      return html`<a class="${kind}" href="/change/unsuspend">End the suspension…</a>`;
  }
}

/** Newest first; what is current already is there too: a rolled-back build may be tried again. */
const SHOWN_BUILDS = 20;

function promoteForm({ snapshot }: InForce): Html {
  const builds = [...snapshot.state.builds.values()]
    .filter(build => build.withdrawn === undefined)
    .sort((a, b) => b.versionCode - a.versionCode)
    .slice(0, SHOWN_BUILDS);
  return html`<form class="stack-s" method="get" action="/change/promote"><label class="field"><b>Build</b><select name="build">${builds.map(build => html`<option value="${build.buildId}">${build.buildId} ${build.versionName}</option>`)}</select></label><label class="field"><b>Share of the fleet, %</b><input name="percent" inputmode="decimal" required value="1" pattern="[0-9]{1,3}(\\.[0-9]{1,2})?"></label><button class="btn" type="submit">Show the plan</button></form>`;
}
