/** Sign-in at the OpenID provider: the redirect to it, and the callback with its answer. */
import { actorOfPerson } from '../domain/actor.ts';
import { Fault } from '../domain/fault.ts';
import { roleOf } from '../domain/role.ts';
import type { Page, PageAnswer, PageRequest, SignInRefusal } from '../ports/index.ts';
import type { Access } from './access.ts';
import { goTo } from './answers.ts';
import { html } from './html.ts';
import type { DashboardOptions, People } from './options.ts';
import { makeFlows } from './sign-in-flow.ts';
import { ownPath, type SignInViews, signInAt } from './sign-in-view.ts';

/** Each message says what the person or the operator should do next. */
const REFUSED: Readonly<Record<SignInRefusal, (provider: string) => string>> = {
  denied: provider => `${provider} did not let you sign in.`,
  stale: provider => `${provider} says that this sign-in was used before or took too long. Begin again.`,
  clock: provider => `The clocks of ${provider} and of this controller differ too much. Set both by NTP.`,
  client: provider =>
    `${provider} rejected this controller’s client id or secret. Check OTA_OIDC_CLIENT_ID and OTA_OIDC_CLIENT_SECRET.`,
  invalid: provider =>
    `The answer of ${provider} could not be verified, so nobody was signed in. Begin again.`,
};

const NOT_BEGUN =
  'This sign-in did not begin in this browser, was used before, or took longer than ten minutes. Begin again.';

/** Empty without a provider. */
export function providerPages(options: DashboardOptions, access: Access, views: SignInViews): Page[] {
  const { people } = options;
  return people === undefined ? [] : pagesOf(options, people, access, views);
}

function pagesOf(options: DashboardOptions, people: People, access: Access, views: SignInViews): Page[] {
  const { ports, nowMs, observe } = options;
  const { provider, roleByGroup } = people;
  const flows = makeFlows(options);

  async function begin(request: PageRequest): Promise<PageAnswer> {
    const next = ownPath(request.query.get('next'));
    // Another site must not start a sign-in for a person, or break one that they began.
    if (request.header('sec-fetch-site') === 'cross-site') return goTo(signInAt(next));
    const { flow, cookie } = flows.begin(next);
    return answered(next, async () => goTo(await provider.begin(flow.secrets), { 'Set-Cookie': cookie }));
  }

  async function callback(request: PageRequest): Promise<PageAnswer> {
    const flow = flows.of(request);
    if (flow === undefined) return views.form('/', { status: 400, wrong: NOT_BEGUN });
    const { next, secrets } = flow;
    return answered(next, async () => {
      const result = await provider.finish(request.query, secrets);
      const headers = { 'Set-Cookie': flows.over };
      if (result.kind === 'refused') {
        const { why, detail } = result;
        fail(request, `sign_in_${why}`);
        const text = REFUSED[why](provider.name);
        const wrong = html`${text}${detail !== undefined && html` <code>${detail}</code>`}`;
        return views.form(next, { status: 403, wrong, headers });
      }
      const { person } = result;
      const groups = person.groups.filter(group => roleByGroup.has(group));
      const role = roleOf(groups, roleByGroup);
      if (role === undefined) {
        fail(request, 'sign_in_no_role');
        return views.noRole(person.name, headers);
      }
      const cookie = await access.beginPerson(request, person, groups);
      await ports.audit.record({
        atMs: nowMs(),
        actor: actorOfPerson(person.subject, person.name),
        action: 'session.begin',
        subject: role,
        detail: { issuer: person.issuer, groups },
      });
      return goTo(next, { 'Set-Cookie': [cookie, flows.over] });
    });
  }

  const fail = (request: PageRequest, code: string): void =>
    observe({ type: 'ota.auth.fail', route: '/sign-in/callback', code, address: request.address });

  /** If the provider does not answer, the page says so and still offers the sign-in with a token. */
  async function answered(next: string, work: () => Promise<PageAnswer>): Promise<PageAnswer> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Fault) || !error.code.startsWith('provider_')) throw error;
      observe({
        type: 'ota.http.fail',
        method: 'GET',
        route: '/sign-in/provider',
        code: error.code,
        message: error.message,
      });
      const wrong = html`${error.message}. Try again in a minute, or sign in with an operator’s token. <code>${error.code}</code>`;
      return views.form(next, { status: 503, wrong, withToken: true });
    }
  }

  const signedOut = async (): Promise<PageAnswer> => {
    // Our own session has ended, whether or not the provider answers.
    const elsewhere = await provider.endSessionUrl().catch(error => {
      if (error instanceof Fault) return undefined;
      throw error;
    });
    return views.signedOut(elsewhere);
  };

  return [
    { method: 'GET', path: '/sign-in/provider', answer: begin },
    { method: 'GET', path: '/sign-in/callback', answer: callback },
    { method: 'GET', path: '/signed-out', answer: signedOut },
  ];
}
