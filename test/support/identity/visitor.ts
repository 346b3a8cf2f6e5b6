/** A browser without a window: it keeps cookies by origin, follows redirects and sends forms. */
import { request } from 'undici';

export interface Seen {
  readonly url: string;
  readonly status: number;
  readonly text: string;
}

export interface Visitor {
  /** Follows redirects, at most twenty. */
  go(url: string, form?: Readonly<Record<string, string>>): Promise<Seen>;
  /** One request; where it leads is not followed. */
  step(
    url: string,
    form?: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Seen & { readonly location: string | undefined; readonly cookies: readonly string[] }>;
  cookie(url: string, name: string): string | undefined;
  setCookie(url: string, name: string, value: string): void;
}

export function makeVisitor(): Visitor {
  const jars = new Map<string, Map<string, string>>();
  const jarOf = (url: string): Map<string, string> => {
    const { origin } = new URL(url);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    return jar;
  };

  const step: Visitor['step'] = async (url, form, headers = {}) => {
    const jar = jarOf(url);
    const answer = await request(url, {
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(form !== undefined && {
          'content-type': 'application/x-www-form-urlencoded',
          origin: new URL(url).origin,
        }),
        ...headers,
      },
      body: form === undefined ? null : new URLSearchParams(form).toString(),
    });
    const cookies = [answer.headers['set-cookie'] ?? []].flat();
    for (const cookie of cookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      const over = value === '' || /max-age=0|expires=Thu, 01 Jan 1970/i.test(cookie);
      if (over) jar.delete(name);
      else jar.set(name, value);
    }
    const { location } = answer.headers;
    return {
      url,
      status: answer.statusCode,
      text: await answer.body.text(),
      location: location === undefined ? undefined : new URL(String(location), url).href,
      cookies,
    };
  };

  return {
    step,
    go: async (url, form) => {
      let seen = await step(url, form);
      for (let hops = 0; seen.location !== undefined; hops += 1) {
        if (hops === 20) throw new Error(`${url} leads in circles`);
        seen = await step(seen.location);
      }
      return seen;
    },
    cookie: (url, name) => jarOf(url).get(name),
    setCookie: (url, name, value) => void jarOf(url).set(name, value),
  };
}

/** Types a login at the provider's own page; answers with the page that the person ends at. */
export async function signInAtProvider(
  visitor: Visitor,
  pages: string,
  login: string,
  next = '/',
): Promise<Seen> {
  const asked = await visitor.go(`${pages}/sign-in/provider?next=${encodeURIComponent(next)}`);
  return visitor.go(formAction(asked), { prompt: 'login', login, password: 'any' });
}

export function formAction({ url, text }: Seen): string {
  const action = /<form[^>]* action="([^"]+)"/.exec(text)?.[1];
  if (action === undefined) throw new Error(`no form at ${url}: ${text.slice(0, 500)}`);
  return new URL(action, url).href;
}
