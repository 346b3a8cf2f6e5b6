/** What a person can do about what they see. Each way is named by its effect; the ways back come first. */
import type { Viewer } from '../ports/index.ts';
import { type Html, html } from './html.ts';
import type { InForce } from './now/facts.ts';
import type { NowState } from './now/state.ts';

interface Command {
  readonly about: string;
  readonly command: string;
}

const ROLL_BACK = { about: 'Take it back', command: 'ota rollback --reason "why" --open-pr' };
const BRAKE = { about: 'Stop offers at once', command: 'ota brake --reason "why"' };
const RESUME = { about: 'Let it go on', command: 'ota resume --reason "why it is safe"' };
const PROMOTE = { about: 'Promote another build', command: 'ota promote BUILD --open-pr' };

const COMMANDS: Readonly<Record<NowState, readonly Command[]>> = {
  halted: [ROLL_BACK, RESUME, PROMOTE],
  braked: [ROLL_BACK, RESUME],
  rolled_back: [PROMOTE],
  withdrawn: [PROMOTE],
  suspended: [ROLL_BACK],
  asks: [ROLL_BACK, BRAKE, RESUME],
  needs_approval: [ROLL_BACK, BRAKE],
  not_begun: [ROLL_BACK, BRAKE],
  ramping: [ROLL_BACK, BRAKE],
  fixed: [ROLL_BACK, BRAKE, { about: 'Set another share', command: 'ota rollout PERCENT --open-pr' }],
  closed: [PROMOTE],
  arriving: [ROLL_BACK, BRAKE],
  completed: [PROMOTE, ROLL_BACK],
};

/** From a terminal, for whoever has one and the token for it. */
export function actsView(state: NowState, _it: InForce, _viewer: Viewer): Html {
  return html`<details class="acts"><summary class="btn">Act from a terminal</summary><ul class="cmds">${COMMANDS[state].map(c => html`<li><span>${c.about}</span><code class="cmd">${c.command}</code></li>`)}</ul></details>`;
}
