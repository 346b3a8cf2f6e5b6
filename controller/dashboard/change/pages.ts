/** The pages of a change: the plan, the button that opens the pull request, the brake and its end. */
import { Fault, faultCode } from '../../domain/fault.ts';
import type { Ask, Page, PageAnswer, PageRequest } from '../../ports/index.ts';
import type { Access } from '../access.ts';
import { goTo } from '../answers.ts';
import { type Html, html } from '../html.ts';
import { icon } from '../icons.ts';
import type { DashboardOptions } from '../options.ts';
import { type Ability, roleFor, type Session } from '../session.ts';
import { ownPath, signInAt } from '../sign-in-view.ts';
import { fieldsOf, isAskKind, readAsk } from './ask.ts';
import { openedView, pushedView, refusedView, shownView, titleOf } from './view.ts';

/** Frames a page of a change. It is not live, so it does not change while a person reads and types. */
type FramePage = (
  session: Session,
  page: { readonly title: string; readonly main: Html; readonly status?: number },
) => Promise<PageAnswer>;

/** Link back to the plan with the typed values, for somebody whose session ended meanwhile. Nothing was done. */
function planAgain({ params: { kind }, form }: PageRequest, nowMs: number): string {
  const ask = isAskKind(kind) ? readAsk(kind, form, nowMs) : undefined;
  if (ask === undefined || typeof ask === 'string') return '/';
  const fields = new URLSearchParams();
  for (const [name, value] of fieldsOf(ask)) fields.set(name, value);
  if (ask.kind === 'rollback' && ask.forceDowngrade) fields.set('force_downgrade', 'on');
  if (ask.reason !== undefined && ask.reason !== '') fields.set('reason', ask.reason);
  const whole = `/change/${ask.kind}?${fields}`;
  if (ownPath(whole) === whole) return whole;
  fields.delete('reason'); // too long for a link
  return `/change/${ask.kind}?${fields}`;
}

function lacking({ viewer }: Session, ability: Ability): string {
  return viewer.byProvider
    ? `You are a ${viewer.role} here, and this takes the role ${roleFor(ability)}.`
    : `Your token lacks the scope ${ability}.`;
}

export function changePages(options: DashboardOptions, access: Access, framed: FramePage): Page[] {
  const { changes, brake } = options.ports;

  const said = (session: Session, status: number, heading: string, text: string, code?: string) =>
    framed(session, {
      title: heading,
      status,
      main: html`<div><p class="crumb"><a href="/">Now</a></p><h1>${heading}</h1></div>
<p class="note t-wait" role="alert">${icon('warn', 'wait')}<span>${text}${code !== undefined && html` <code>${code}</code>`}</span></p>
<p><a class="btn" href="/">Back to Now</a></p>`,
    });

  /** Shows failures of GitHub or Git as such; any other error is our own bug and is logged as one. */
  async function guarded(session: Session, work: () => Promise<PageAnswer>): Promise<PageAnswer> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return said(
        session,
        503,
        'This did not work',
        `${error.message}. Nothing was changed.`,
        faultCode(error),
      );
    }
  }

  async function look(session: Session, ask: Ask, note?: string): Promise<PageAnswer> {
    const shown = await changes.show(ask);
    const seen = { session, way: changes.way, note };
    return framed(session, {
      title: titleOf(ask),
      main: shown.kind === 'shown' ? shownView(ask, shown, seen) : refusedView(ask, shown, seen),
      status: shown.kind === 'shown' ? 200 : 409,
    });
  }

  async function plan(request: PageRequest): Promise<PageAnswer> {
    const signedIn = await access.of(request);
    if (signedIn === undefined) return goTo(signInAt(request.target));
    const { session } = signedIn;
    const { kind } = request.params;
    if (!isAskKind(kind))
      return said(session, 404, 'There is no such change', 'Choose a change on the page Now.');
    const ask = readAsk(kind, request.query, options.nowMs());
    if (typeof ask === 'string') return said(session, 400, 'This is not complete', ask);
    return guarded(session, () => look(session, ask));
  }

  /** Checks a button press: signed in, from our own page, permitted. `again`: the page to return to after a sign-in. */
  async function pressed(
    request: PageRequest,
    ability: Ability,
    act: (session: Session) => Promise<PageAnswer>,
    again = '/',
  ): Promise<PageAnswer> {
    const signedIn = await access.of(request);
    if (signedIn === undefined) return goTo(signInAt(again));
    const { session } = signedIn;
    if (access.foreign(request, session) !== undefined)
      return said(
        session,
        403,
        'This form is invalid or too old',
        'Open the page again and press the button there. Nothing was changed.',
      );
    if (!session.viewer.may.has(ability))
      return said(session, 403, 'You may not do this', `${lacking(session, ability)} Nothing was changed.`);
    return guarded(session, () => act(session));
  }

  async function proposeAs(session: Session, request: PageRequest): Promise<PageAnswer> {
    const { kind } = request.params;
    if (!isAskKind(kind))
      return said(session, 404, 'There is no such change', 'Choose a change on the page Now.');
    const ask = readAsk(kind, request.form, options.nowMs());
    if (typeof ask === 'string') return said(session, 400, 'This is not complete', ask);
    const basis = request.form.get('basis') ?? '';
    const proposed = await changes.propose(ask, { basis, by: session.viewer.actor });
    if (proposed.kind === 'opened')
      return framed(session, { title: `Pull request #${proposed.pull}`, main: openedView(ask, proposed) });
    if (proposed.kind === 'pushed')
      return framed(session, { title: 'A branch is pushed', main: pushedView(ask, proposed) });
    if (proposed.kind === 'moved')
      return look(
        session,
        ask,
        'A merge or a halt came in between, so nothing was opened. This is the plan now.',
      );
    const seen = { session, way: changes.way };
    return framed(session, { title: titleOf(ask), main: refusedView(ask, proposed, seen), status: 409 });
  }

  const propose = (request: PageRequest): Promise<PageAnswer> =>
    pressed(request, 'propose', session => proposeAs(session, request), planAgain(request, options.nowMs()));

  const reasonIn = (request: PageRequest): string =>
    (request.form.get('reason') ?? '').replace(/\s+/g, ' ').trim().slice(0, 1000);

  const stop = (request: PageRequest): Promise<PageAnswer> =>
    pressed(request, 'brake', async session => {
      await brake.press({ by: session.viewer.actor, reason: reasonIn(request) || 'pressed on the page' });
      return goTo('/');
    });

  const resume = (request: PageRequest): Promise<PageAnswer> =>
    pressed(request, 'brake', async session => {
      const { viewer } = session;
      const reason = reasonIn(request);
      if (reason === '')
        return said(
          session,
          400,
          'A reason is needed',
          'Give the reason why it is safe to go on. Nothing was changed.',
        );
      await brake.resume({ by: viewer.actor, reason, without: [], mayLiftGate: viewer.may.has('admin') });
      return goTo('/');
    });

  return [
    { method: 'GET', path: '/change/:kind', answer: plan },
    { method: 'POST', path: '/change/:kind', answer: propose },
    { method: 'POST', path: '/brake', answer: stop },
    { method: 'POST', path: '/resume', answer: resume },
  ];
}
