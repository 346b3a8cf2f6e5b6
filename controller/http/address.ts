/** The client address of a request, for the limit on failed authentication and for the log. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * The peer's address. Behind a trusted proxy it is the last entry of X-Forwarded-For, which that proxy wrote; if that
 * entry is not an address (`unknown`, `_hidden`), the peer's address is used. An IPv4-mapped IPv6 address is shown as
 * IPv4. Any other IPv6 address is cut to its /64, since one host owns that many addresses.
 */
export function clientAddress(req: IncomingMessage, trustedProxy: boolean): string {
  const forwarded = trustedProxy ? req.headers['x-forwarded-for'] : undefined;
  const last = (Array.isArray(forwarded) ? forwarded.join(',') : forwarded)?.split(',').at(-1);
  const text = (last === undefined ? undefined : addressIn(last)) ?? req.socket.remoteAddress ?? 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  if (mapped !== undefined) return mapped;
  return isIP(text) === 6 ? prefix64(text) : text;
}

/** Proxies write `1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:5678`. */
function addressIn(entry: string): string | undefined {
  const bare = entry.trim().replace(/^"(.*)"$/, '$1');
  if (isIP(bare) !== 0) return bare;
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(bare);
  const host = match?.[1] ?? match?.[2] ?? '';
  return isIP(host) === 0 ? undefined : host;
}

function prefix64(address: string): string {
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map(group => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
