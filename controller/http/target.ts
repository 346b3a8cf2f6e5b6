/** The request target, as a path that the routes know. */

/** Some proxies and clients send `GET https://host/path`, which means `/path` (RFC 9112 §3.2.2). */
const ABSOLUTE = /^https?:\/\/[^/?#]*/i;

/**
 * Removes the prefix before a route: scheme and host of an absolute target, and the path of the public URL, which some
 * proxies keep. Routes are served with and without that path, so both kinds of proxy work.
 */
export function makeTarget(publicUrl: string): (target: string) => string {
  const base = new URL(publicUrl).pathname.replace(/\/$/, '');
  return target => {
    let path = target;
    if (!path.startsWith('/')) {
      path = path.replace(ABSOLUTE, '');
      if (path === '' || path.startsWith('?')) path = `/${path}`;
    }
    return base !== '' && path.startsWith(`${base}/`) ? path.slice(base.length) : path;
  };
}
