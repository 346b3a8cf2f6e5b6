/** The agent talks and sends its token only to the controller's origin, over HTTPS (SPEC §9). */
import { Fault } from '../../controller/domain/fault.ts';
import { isPrivateUrl } from '../../controller/domain/loopback.ts';

/** The configured controller URL; its path, if any, is the base of the endpoints. Fault `url_refused` for plain http or credentials in it. */
export function controllerUrl(text: string): URL {
  if (!URL.canParse(text)) throw new Fault('url_refused', `not a URL: ${text}`, { retry: 'never' });
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw new Fault('url_refused', 'the controller URL must not carry a user name or password', {
      retry: 'never',
    });
  if (!isPrivateUrl(url))
    throw new Fault(
      'url_refused',
      `${url.protocol}//${url.host} is not allowed: use https (plain http is for loopback only)`,
      {
        retry: 'never',
      },
    );
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** Why an APK (or a redirect to one) may not be fetched with the token; undefined when it may. */
export function urlRefusal(text: string, controller: URL): string | undefined {
  if (!URL.canParse(text)) return 'not a URL';
  const url = new URL(text);
  if (!isPrivateUrl(url)) return `${url.protocol} outside loopback`;
  if (url.username !== '' || url.password !== '') return 'credentials in the URL';
  return url.origin === controller.origin ? undefined : `${url.host} is not the controller`;
}

/** Why an APK may not be fetched from this URL of an object store; undefined if it may. The URL is a secret: no part of it is told. */
export function storeUrlRefusal(text: string): string | undefined {
  if (!URL.canParse(text)) return 'not a URL';
  const url = new URL(text);
  if (!isPrivateUrl(url)) return 'plain http outside loopback';
  return url.username !== '' || url.password !== '' ? 'credentials in the URL' : undefined;
}
