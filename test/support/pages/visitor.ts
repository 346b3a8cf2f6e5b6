/** Somebody who uses the pages without a browser: follows forms, keeps the cookie. */
import { request } from 'undici';
import type { Journey } from '../controller.ts';

export interface Visitor {
  get(target: string): Promise<Got>;
  /** Sends the first form of the page that posts to `action`, with these fields filled in. */
  press(page: Got, action: string, fields?: Readonly<Record<string, string>>): Promise<Got>;
}

interface Got {
  readonly status: number;
  readonly location: string;
  readonly text: string;
}

/** `url`: where they sign in with the token. */
export async function visitor(
  { url, adminToken }: Pick<Journey, 'url' | 'adminToken'>,
  token = adminToken,
): Promise<Visitor> {
  let cookie = '';
  async function ask(target: string, form?: URLSearchParams): Promise<Got> {
    const answer = await request(url + target, {
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        cookie,
        ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded', origin: url }),
      },
      body: form === undefined ? null : form.toString(),
    });
    const set = answer.headers['set-cookie'];
    if (set !== undefined) cookie = String(set).split(';')[0] ?? '';
    return {
      status: answer.statusCode,
      location: String(answer.headers.location ?? ''),
      text: await answer.body.text(),
    };
  }
  await ask('/sign-in', new URLSearchParams({ token, next: '/' }));
  return {
    get: target => ask(target),
    press: ({ text }, action, fields = {}) => {
      const form = text.split('<form').find(part => part.includes(`method="post" action="${action}"`)) ?? '';
      const hidden = [...form.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)];
      return ask(
        action,
        new URLSearchParams([
          ...hidden.map((m): [string, string] => [m[1] ?? '', m[2] ?? '']),
          ...Object.entries(fields),
        ]),
      );
    },
  };
}
