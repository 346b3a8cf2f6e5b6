/** Signing in with an operator's token, and out. */
import type { Page, PageAnswer, PageRequest } from '../ports/index.ts';
import { type Access, mayLook } from './access.ts';
import { goTo, pageOf } from './answers.ts';
import type { Assets } from './assets.ts';
import { documentOf } from './frame.ts';
import { html, type Part } from './html.ts';
import { icon } from './icons.ts';
import type { DashboardOptions } from './options.ts';
import { counted } from './words.ts';

/** A path of ours and nothing that a browser would read as another host. */
export const ownPath = (path: string | null): string =>
  path !== null && path.length <= 512 && /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : '/';

export const signInAt = (target: string): string =>
  target === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(target)}`;

const REFUSED = {
  origin:
    'This form came from another address than this page. Open the page again and sign in there; behind a proxy OTA_OPERATOR_URL must be set.',
  refused: 'This is not a valid token of this controller, or it has expired.',
  read: 'This token is valid, but it lacks the scope read.',
} as const;

export function signInPages(options: DashboardOptions, access: Access, assets: Assets): Page[] {
  const form = (next: string, status: number, wrong?: Part, headers = {}): PageAnswer =>
    pageOf(
      documentOf(
        assets,
        'Sign in',
        html`<main class="wrap signin" id="main"><section class="card" aria-labelledby="h1">
<p class="brand">${icon('brand')}nexmdm-ota</p>
<h1 id="h1">Sign in</h1>
${wrong !== undefined && html`<p class="note t-stop" role="alert">${icon('halt', 'stop')}<span>${wrong}</span></p>`}
<form method="post" action="/sign-in" class="stack-s">
<input type="hidden" name="next" value="${next}">
<label class="field">Operator’s token<input name="token" type="password" autocomplete="current-password" required maxlength="128" spellcheck="false" aria-describedby="how"></label>
<p class="q s" id="how">It begins with <code>ota_admin_</code>. The first one lies in the controller’s data folder, in the file <code>admin-token</code>; <code>ota token create</code> makes others.</p>
<div><button class="btn main" type="submit">Sign in</button></div>
</form></section></main>`,
      ),
      status,
      headers,
    );

  async function signIn(request: PageRequest): Promise<PageAnswer> {
    const next = ownPath(request.form.get('next'));
    if (access.foreign(request, undefined) !== undefined) return form(next, 403, REFUSED.origin);
    const shown = options.show(request.form.get('token')?.trim() ?? '', request.address);
    if (shown.kind === 'refused') return form(next, 401, REFUSED.refused);
    if (shown.kind === 'wait')
      return form(
        next,
        429,
        `Too many tokens were wrong from this address. Try again in ${counted(shown.retryAfterS, 'second')}.`,
        { 'Retry-After': String(shown.retryAfterS) },
      );
    if (!mayLook(shown.token)) return form(next, 403, REFUSED.read);
    return goTo(next, { 'Set-Cookie': await access.begin(shown.token, shown.sha256) });
  }

  async function signOut(request: PageRequest): Promise<PageAnswer> {
    const signedIn = await access.of(request);
    if (access.foreign(request, signedIn?.session) !== undefined) return form('/', 403, REFUSED.origin);
    return goTo('/sign-in', { 'Set-Cookie': await access.end(request) });
  }

  return [
    {
      method: 'GET',
      path: '/sign-in',
      answer: async request => {
        const next = ownPath(request.query.get('next'));
        return (await access.of(request)) === undefined ? form(next, 200) : goTo(next);
      },
    },
    { method: 'POST', path: '/sign-in', answer: signIn },
    { method: 'POST', path: '/sign-out', answer: signOut },
  ];
}
