/** The actions that fit the present state. Each is named by its effect; the ways back come first. */
import { durationText } from '../domain/duration.ts';
import type { Build, RampStep } from '../domain/release.ts';
import { SUSPEND_HOURS } from './change/ask.ts';
import { type Html, html } from './html.ts';
import { icon } from './icons.ts';
import type { InForce } from './now/facts.ts';
import type { NowState } from './now/state.ts';
import type { Ability, Viewer } from './session.ts';

type Way = 'back' | 'brake' | 'resume' | 'promote' | 'ramp' | 'percent' | 'suspend' | 'unsuspend';

const WAYS: Readonly<Record<NowState, readonly Way[]>> = {
  halted: ['back', 'resume', 'promote', 'ramp'],
  braked: ['back', 'resume'],
  rolled_back: ['promote', 'ramp'],
  withdrawn: ['promote', 'ramp'],
  suspended: ['back', 'unsuspend'],
  asks: ['back', 'brake', 'resume'],
  needs_approval: ['back', 'brake', 'ramp', 'suspend'],
  not_begun: ['back', 'brake', 'ramp', 'suspend'],
  ramping: ['back', 'brake', 'ramp', 'suspend'],
  fixed: ['back', 'brake', 'percent', 'ramp', 'suspend'],
  closed: ['promote', 'ramp', 'percent'],
  arriving: ['back', 'brake', 'suspend'],
  completed: ['promote', 'ramp', 'back'],
};

/** The action that the page recommends in a state. */
const RECOMMENDED: Partial<Record<NowState, Way>> = {
  halted: 'back',
  braked: 'back',
  rolled_back: 'promote',
  withdrawn: 'promote',
};

/** Suggested shares. */
const PERCENTS = [1, 5, 10, 25, 50, 100];

interface ActsLook {
  readonly viewer: Viewer;
  readonly formToken: string;
}

export function actsView(state: NowState, it: InForce, look: ActsLook): Html {
  const main = RECOMMENDED[state];
  const ways = WAYS[state].filter(way => look.viewer.may.has(abilityFor(way)));
  if (ways.length === 0)
    return html`<div class="acts"><p>You can look at everything here. Proposers and operators make changes.</p></div>`;
  const parts = ways.map(way => wayView(way, way === main, it, look));
  return html`<div class="acts"><div class="row">${parts}</div><p>A button with … shows a plan first; nothing changes until somebody merges it.${ways.includes('brake') && ' Brake acts at once.'}</p></div>`;
}

/** Buttons that the viewer may not use are not shown. */
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
    case 'ramp':
      return html`<details class="drop"><summary class="btn">Ramp…</summary>${rampForm(it)}</details>`;
    case 'percent':
      return html`<details class="drop"><summary class="${kind}">Go to…</summary><form class="stack-s" method="get" action="/change/rollout"><label class="field"><b>Share of the fleet, %</b><input name="percent" inputmode="decimal" required pattern="[0-9]{1,3}(\\.[0-9]{1,2})?" list="percents"></label><datalist id="percents">${PERCENTS.map(percent => html`<option value="${percent}">`)}</datalist><button class="btn" type="submit">Show the plan</button></form></details>`;
    case 'suspend':
      return html`<details class="drop"><summary class="${kind}">Suspend…</summary><form class="stack-s" method="get" action="/change/suspend"><label class="field"><b>For how long</b><select name="hours">${SUSPEND_HOURS.map(hours => html`<option value="${hours}">${hours} h</option>`)}</select></label><button class="btn" type="submit">Show the plan</button></form></details>`;
    case 'unsuspend':
      return html`<a class="${kind}" href="/change/unsuspend">End the suspension…</a>`;
  }
}

/** Newest first, the current build included: a rolled-back build may be tried again. */
const SHOWN_BUILDS = 20;

const buildField = (builds: readonly Build[]): Html =>
  html`<label class="field"><b>Build</b><select name="build">${builds.map(build => html`<option value="${build.buildId}">${build.buildId} ${build.versionName}</option>`)}</select></label>`;

function choices({ snapshot }: InForce): Build[] {
  return [...snapshot.state.builds.values()]
    .filter(build => build.withdrawn === undefined)
    .sort((a, b) => b.versionCode - a.versionCode)
    .slice(0, SHOWN_BUILDS);
}

function promoteForm(it: InForce): Html {
  return html`<form class="stack-s" method="get" action="/change/promote">${buildField(choices(it))}<label class="field"><b>Share of the fleet, %</b><input name="percent" inputmode="decimal" required value="1" pattern="[0-9]{1,3}(\\.[0-9]{1,2})?"></label><button class="btn" type="submit">Show the plan</button></form>`;
}

const USUAL_RAMP = '1:4h, 10:24h, 50:24h, 100';

/** Filled in with the present steps, if there is a ramp. */
function rampForm(it: InForce): Html {
  const { exposure, current } = it.snapshot.rollout;
  const ramp = exposure.kind === 'ramp' ? exposure.ramp : undefined;
  // A build that is still rolling out comes first. One at 100 % needs no ramp.
  const moving = exposure.kind === 'ramp' || exposure.percent < 100;
  const rank = ({ buildId }: Build): number => ((buildId === current) === moving ? 0 : 1);
  const builds = choices(it).sort((a, b) => rank(a) - rank(b));
  const gate =
    ramp?.gate === undefined
      ? html`<label class="check"><input type="checkbox" name="gate" checked><b>With a gate</b><span class="s q">A step opens only on evidence from devices; the limits are the defaults.</span></label>`
      : html`<p class="s q">Its gate stays as it is.</p>`;
  return html`<form class="stack-s" method="get" action="/change/ramp">${buildField(builds)}<label class="field"><b>Steps: percent and how long each lasts</b><input name="steps" required maxlength="1000" value="${ramp === undefined ? USUAL_RAMP : stepsText(ramp.steps)}"></label>${gate}<button class="btn" type="submit">Show the plan</button></form>`;
}

const stepsText = (steps: readonly RampStep[]): string =>
  steps
    .map(({ percent, holdMs, approval }) =>
      [
        String(percent),
        ...(holdMs === undefined ? [] : [durationText(holdMs)]),
        ...(approval ? ['approval'] : []),
      ].join(':'),
    )
    .join(', ');
