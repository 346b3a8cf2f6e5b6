/** Sign-in with an operator's token, and sign-out. */
import type { Page, PageAnswer, PageRequest } from '../ports/index.ts';
import type { Access } from './access.ts';
import { goTo } from './answers.ts';
import type { Assets } from './assets.ts';
import type { DashboardOptions } from './options.ts';
import { mayLook } from './session.ts';
import { providerPages } from './sign-in-provider.ts';
import { ownPath, signInViews } from './sign-in-view.ts';
import { counted } from './words.ts';

const REFUSED = {
  origin:
    'This form came from another address than this page. Open the page again and sign in there; behind a proxy OTA_OPERATOR_URL must be set.',
  refused: 'This is not a valid token of this controller, or it has expired.',
  read: 'This token is valid, but it lacks the scope read.',
} as const;

export function signInPages(options: DashboardOptions, access: Access, assets: Assets): Page[] {
  const views = signInViews(options, assets);
  const refused = (next: string, status: number, wrong: string, headers = {}): PageAnswer =>
    views.form(next, { status, wrong, headers, withToken: true });

  async function signIn(request: PageRequest): Promise<PageAnswer> {
    const next = ownPath(request.form.get('next'));
    if (access.foreign(request, undefined) !== undefined) return refused(next, 403, REFUSED.origin);
    const shown = options.show(request.form.get('token')?.trim() ?? '', request.address);
    if (shown.kind === 'refused') return refused(next, 401, REFUSED.refused);
    if (shown.kind === 'wait')
      return refused(
        next,
        429,
        `Too many tokens were wrong from this address. Try again in ${counted(shown.retryAfterS, 'second')}.`,
        { 'Retry-After': String(shown.retryAfterS) },
      );
    if (!mayLook(shown.token)) return refused(next, 403, REFUSED.read);
    return goTo(next, { 'Set-Cookie': await access.begin(request, shown.token, shown.sha256) });
  }

  async function signOut(request: PageRequest): Promise<PageAnswer> {
    const signedIn = await access.of(request);
    if (access.foreign(request, signedIn?.session) !== undefined)
      return views.form('/', { status: 403, wrong: REFUSED.origin });
    // No redirect to the provider from here: the policy `form-action` keeps forms on our own pages.
    const to = signedIn?.session.viewer.byProvider === true ? '/signed-out' : '/sign-in';
    return goTo(to, { 'Set-Cookie': await access.end(request) });
  }

  return [
    {
      method: 'GET',
      path: '/sign-in',
      answer: async request => {
        const next = ownPath(request.query.get('next'));
        return (await access.of(request)) === undefined ? views.form(next, { status: 200 }) : goTo(next);
      },
    },
    { method: 'POST', path: '/sign-in', answer: signIn },
    { method: 'POST', path: '/sign-out', answer: signOut },
    ...providerPages(options, access, views),
  ];
}
