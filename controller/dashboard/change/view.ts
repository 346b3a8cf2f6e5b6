/** The plan page: affected devices in real counts, dangers, the way back, the change, and the form last. */
import type { BuildId } from '../../domain/ids.ts';
import { type Plan, undoCommands } from '../../domain/plan/index.ts';
import { bare, exposureLine, headline, viewLine } from '../../domain/plan/lines.ts';
import { outlookLine } from '../../domain/plan/outlook-lines.ts';
import type { Ask, ChangedFile, ProposalWay, RefusedChange, ShownChange } from '../../ports/index.ts';
import { type Html, html } from '../html.ts';
import { icon } from '../icons.ts';
import { problemView } from '../revisions/problem-view.ts';
import type { Session } from '../session.ts';
import { bytes, count, counted, short } from '../words.ts';
import { commandOf, fieldsOf } from './ask.ts';

interface ChangeLook {
  readonly session: Session;
  readonly way: ProposalWay | undefined;
  /** Shown at the top: the result of the last button press. */
  readonly note?: string | undefined;
}

/** Short title for headings; the plan has the details. */
export const titleOf = (ask: Ask): string => {
  switch (ask.kind) {
    case 'rollback':
      return 'Roll back';
    case 'promote':
      return `Promote ${ask.buildId} at ${ask.percent} %`;
    case 'rollout':
      return `Go to ${ask.percent} %`;
    case 'suspend':
      return 'Suspend all offers';
    case 'ramp':
      return `Roll ${ask.buildId} out on a ramp`;
    case 'unsuspend':
      return 'End the suspension';
  }
};

const noteView = (text: string | undefined): Html | undefined =>
  text === undefined
    ? undefined
    : html`<p class="note t-wait" role="alert">${icon('warn', 'wait')}<span>${text}</span></p>`;

const crumb = html`<p class="crumb"><a href="/">Now</a></p>`;

export function shownView(ask: Ask, shown: ShownChange, look: ChangeLook): Html {
  const { plan } = shown;
  return html`<div>${crumb}<h1>${bare(headline(plan))}</h1>
<p class="q lead">Nothing has happened yet. This is the plan.</p></div>
${noteView(look.note)}
<div class="two wide"><div class="stack">
<section class="card" aria-labelledby="h-a"><header><h2 id="h-a">Who is affected</h2><p>${counted(shown.fleet.devices, 'enrolled device')}</p></header>
${affectedView(shown)}
<p class="s q">${plan.views.map(view => html`${bare(viewLine(view))}. `)}${bare(exposureLine(plan))}</p>${forecastView(shown)}</section>
<section class="card" aria-labelledby="h-da"><header><h2 id="h-da">Dangers</h2></header>${dangersView(shown)}</section>
<section class="card" aria-labelledby="h-w"><header><h2 id="h-w">The way back from here</h2></header><p>Revert the pull request. From a terminal:</p>${undoCommands(plan.undo).map(command => html`<code class="cmd">${command}</code>`)}</section>
</div>
<div class="stack"><section class="card" aria-labelledby="h-c"><header><h2 id="h-c">The change</h2><p>plan <span class="mono">${plan.hash.slice(0, 8)}</span> on <span class="mono">${short(shown.base)}</span></p></header>
${shown.files.map(diffView)}
<p class="s q mt">From a terminal:</p><code class="cmd">${commandOf(ask, currentIn(plan))}</code></section>
<section class="card" aria-labelledby="h-do"><header><h2 id="h-do">Do it</h2></header>${formView(ask, shown, look)}</section>
</div></div>`;
}

const currentIn = ({ base }: Plan): BuildId | undefined =>
  base === undefined || base.state.rollout.rollback ? undefined : base.state.rollout.current;

/** When nearly all devices run the build, or why there is no forecast. */
function forecastView({ plan, forecast }: ShownChange): Html | undefined {
  const line = outlookLine(plan, forecast);
  return line === undefined ? undefined : html`<p class="s q">${bare(line)}</p>`;
}

/** The rows add up to all enrolled devices, unaffected ones included. */
function affectedView({ fleet }: ShownChange): Html {
  const { devices, newOffers, forcedBack, ahead, signerMismatch, canaries, neverSeen } = fleet;
  const rest = Math.max(0, devices - newOffers - ahead - signerMismatch);
  const line = (shape: string, n: number, what: string, more: string) =>
    n > 0 &&
    html`<li><svg class="key" aria-hidden="true"><rect width="11" height="11" rx="2" class="${shape}"/></svg><b class="n">${count(n)}</b><div><b>${what}</b> <span class="q s">${more}</span></div></li>`;
  return html`<ul class="plan">
${line('f-current', newOffers, 'get a new offer.', `They download ${bytes(fleet.bytes)} in all.${forcedBack > 0 ? ` ${count(forcedBack)} of them are offered an older version.` : ''}`)}
${line('f-wait', ahead, 'run a newer version and stay on it.', 'Android refuses an older version.')}
${line('f-old', signerMismatch, 'cannot update:', 'the build that they run is signed with another key.')}
${line('f-safe', rest, 'keep what they have,', 'their offer or none.')}
</ul><p class="s q">${canaries > 0 && html`${counted(canaries, 'canary device')} among them. `}${neverSeen > 0 ? `${counted(neverSeen, 'enrolled device')} never checked in.` : ''}</p>`;
}

function dangersView({ plan, warnings, notes }: ShownChange): Html {
  const said = [
    ...plan.dangers.map(({ sentence }) => bare(sentence)),
    ...warnings.map(({ message }) => message),
    ...notes,
  ];
  if (said.length === 0) return html`<p class="s">${icon('ok', 'ok')} None found.</p>`;
  return html`<ul class="dangers">${said.map(text => html`<li>${icon('warn', 'wait')}<span>${text}</span></li>`)}</ul>`;
}

/** How many unchanged lines are shown around a change. */
const AROUND = 1;

function diffView({ file, before, after }: ChangedFile): Html {
  const was = before.split('\n');
  const is = after.split('\n');
  let top = 0;
  while (top < Math.min(was.length, is.length) && was[top] === is[top]) top += 1;
  let bottom = 0;
  while (
    bottom < Math.min(was.length, is.length) - top &&
    was[was.length - 1 - bottom] === is[is.length - 1 - bottom]
  )
    bottom += 1;
  const line = (kind: string, number: number, text: string) =>
    html`<li${kind !== '' && html` class="${kind}"`}><span>${number}</span><span>${kind === 'add' && html`<span class="vh">added: </span>`}${kind === 'del' && html`<span class="vh">removed: </span>`}${text}</span></li>`;
  const from = Math.max(0, top - AROUND);
  return html`<figure class="code"><figcaption class="file">releases/${file}</figcaption><ol>
${was.slice(from, top).map((text, i) => line('', from + i + 1, text))}
${was.slice(top, was.length - bottom).map((text, i) => line('del', top + i + 1, text))}
${is.slice(top, is.length - bottom).map((text, i) => line('add', top + i + 1, text))}
${is.slice(is.length - bottom, is.length - bottom + AROUND).map((text, i) => line('', is.length - bottom + i + 1, text))}
</ol></figure>`;
}

function formView(ask: Ask, { basis, approvalsNeeded }: ShownChange, { session, way }: ChangeLook): Html {
  if (way === undefined)
    return html`<p>The source of this controller is a folder, so nothing can be proposed. Run the command above beside it without <code>--open-pr</code>, or edit the file yourself.</p>`;
  if (!session.viewer.may.has('propose'))
    return html`<p>${session.viewer.byProvider ? html`Proposing takes the role <b>proposer</b>; you are a ${session.viewer.role}` : html`Your token lacks the scope <code>propose</code>`}. Run the command above in your clone, or ask an operator.</p>`;
  const needsReason = ask.kind === 'suspend';
  const approvals =
    approvalsNeeded === 0
      ? way === 'branch'
        ? 'GitHub is not set up: somebody merges the branch with Git.'
        : 'The policy asks for no approval.'
      : `The policy asks for ${counted(approvalsNeeded, 'approval')} of exactly this plan.`;
  return html`<form class="stack-s" method="post" action="/change/${ask.kind}">
<input type="hidden" name="form_token" value="${session.formToken}"><input type="hidden" name="basis" value="${basis}">
${fieldsOf(ask).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<label class="field"><span><b>Reason</b> <span class="q s">shown ${way === 'branch' ? 'in the commit' : 'on the pull request'} and on this page</span></span><textarea name="reason" maxlength="1000"${needsReason && html` required`}>${ask.reason ?? ''}</textarea></label>
${ask.kind === 'rollback' && html`<label class="check"><input type="checkbox" name="force_downgrade"${ask.forceDowngrade && html` checked`}><b>Force the downgrade</b><span class="s q">Needs a reason. Works only where the agent is a system app, root, or debuggable; others report <code>downgrade_refused</code>.</span></label>`}
<div class="acts"><div class="row"><button class="btn main" type="submit">${way === 'branch' ? 'Push the branch' : 'Open the pull request'}</button><a class="btn" href="/">Cancel</a></div></div>
<p class="s q">${approvals} It governs within 5 s of the merge, and <a href="/">Now</a> follows it.</p></form>`;
}

export function refusedView(ask: Ask, refused: RefusedChange, { note }: ChangeLook): Html {
  const { message, hint, problems } = refused;
  return html`<div>${crumb}<h1>${titleOf(ask)}: this cannot be done now</h1></div>
${noteView(note)}
<section class="card stack-s" aria-labelledby="h-why"><h2 id="h-why">Why</h2><p>${message}.</p>${hint !== undefined && html`<p class="q">${hint}.</p>`}
${problems.map(({ code, message: text, file, line, column, path, hint: cure }) => problemView({ severity: 'error', code, message: text, hint: cure, file, line, column, path, excerpt: undefined }))}
<p class="s q">Nothing was changed.</p></section>`;
}

export function openedView(ask: Ask, { url, pull }: { readonly url: string; readonly pull: number }): Html {
  return html`<div>${crumb}<h1>Pull request #${pull} is open</h1><p class="q lead">${titleOf(ask)}: nothing changes for any device until it is merged.</p></div>
<section class="card stack-s"><p>${icon('ok', 'ok')} Its plan is the one that you saw. Somebody with the right to merge decides.</p>
<div class="acts"><div class="row"><a class="btn main" href="${url}">Open #${pull} on GitHub</a><a class="btn" href="/">Back to Now</a></div></div></section>`;
}

/** Needs no quoting: our branch names contain only lower-case letters, digits, `-` and `/`. */
export function pushedView(ask: Ask, { branch }: { readonly branch: string }): Html {
  return html`<div>${crumb}<h1>A branch is pushed</h1><p class="q lead">${titleOf(ask)}: nothing changes for any device until it is merged.</p></div>
<section class="card stack-s"><p>${icon('ok', 'ok')} <code>${branch}</code> holds the change that you saw. Somebody with the right to push merges it:</p>
<code class="cmd">git fetch && git merge --no-ff origin/${branch} && git push</code>
<div class="acts"><div class="row"><a class="btn" href="/">Back to Now</a></div></div></section>`;
}
