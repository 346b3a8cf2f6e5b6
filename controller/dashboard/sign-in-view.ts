/** Pages for people who are not signed in. */
import type { PageAnswer } from '../ports/index.ts';
import { type AnswerHeaders, pageOf } from './answers.ts';
import type { Assets } from './assets.ts';
import { documentOf } from './frame.ts';
import { type Html, html, type Part } from './html.ts';
import { icon } from './icons.ts';
import type { DashboardOptions } from './options.ts';

/** Returns the path only if it is on our own host as a browser reads it, else `/`. */
export const ownPath = (path: string | null): string =>
  path !== null && path.length <= 512 && /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : '/';

export const signInAt = (target: string): string =>
  target === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(target)}`;

interface SignInState {
  readonly status: number;
  /** The error, shown at the top. */
  readonly wrong?: Part;
  readonly headers?: AnswerHeaders;
  /** Opens the form for a token: it was just used, or it is the only way left. */
  readonly withToken?: boolean;
}

export interface SignInViews {
  form(next: string, state: SignInState): PageAnswer;
  /** Signed in at the provider, but without a role here. */
  noRole(name: string, headers: AnswerHeaders): PageAnswer;
  /** `elsewhere`: the URL that ends the session at the provider. */
  signedOut(elsewhere: string | undefined): PageAnswer;
}

export function signInViews(options: DashboardOptions, assets: Assets): SignInViews {
  const provider = options.people?.provider;
  const card = (title: string, body: Html, { status, headers }: SignInState): PageAnswer =>
    pageOf(
      documentOf(
        assets,
        title,
        html`<main class="wrap signin" id="main"><section class="card" aria-labelledby="h1">
<p class="brand">${icon('brand')}nexmdm-ota</p>
<h1 id="h1">${title}</h1>
${body}</section></main>`,
      ),
      status,
      headers,
    );

  return {
    form: (next, state) =>
      card(
        'Sign in',
        html`${state.wrong !== undefined && html`<p class="note t-stop" role="alert">${icon('halt', 'stop')}<span>${state.wrong}</span></p>`}
${
  provider === undefined
    ? tokenForm(next)
    : html`<a class="btn main wide" href="/sign-in/provider?next=${encodeURIComponent(next)}">Sign in with ${provider.name}</a>
<p class="q s">Your groups there decide what you may do here. A session lasts 8 hours.</p>
<details class="or"${state.withToken === true && html` open`}><summary>With an operator’s token</summary>${tokenForm(next)}</details>`
}`,
        state,
      ),
    noRole: (name, headers) =>
      card(
        'You have no access here',
        html`<div class="stack-s"><p>${provider?.name ?? 'The provider'} knows you as <b>${name}</b>, but none of your groups has a role on this controller.</p>
<p>Ask whoever runs it to put one of your groups into <code>OTA_OIDC_ROLES</code>, or to add you to a group that is there. Then sign in again.</p>
<div class="acts"><div class="row"><a class="btn" href="/sign-in">Back</a><a class="btn" href="/signed-out">Use another account</a></div></div></div>`,
        { status: 403, headers },
      ),
    signedOut: elsewhere =>
      card(
        'You are signed out',
        html`<div class="stack-s"><p>Your session on these pages has ended.${elsewhere !== undefined && html` Your session at ${provider?.name} may still be open: the next person at this browser could sign in with it.`}</p>
<div class="acts"><div class="row"><a class="btn main" href="/sign-in">Sign in again</a>${elsewhere !== undefined && html`<a class="btn" href="${elsewhere}">Sign out at ${provider?.name} too</a>`}</div></div></div>`,
        { status: 200 },
      ),
  };
}

const tokenForm = (next: string): Html =>
  html`<form method="post" action="/sign-in" class="stack-s">
<input type="hidden" name="next" value="${next}">
<label class="field">Operator’s token<input name="token" type="password" autocomplete="current-password" required maxlength="128" spellcheck="false" aria-describedby="how"></label>
<p class="q s" id="how">It begins with <code>ota_admin_</code>. The first one lies in the controller’s data folder, in the file <code>admin-token</code>; <code>ota token create</code> makes others.</p>
<div><button class="btn main" type="submit">Sign in</button></div>
</form>`;
