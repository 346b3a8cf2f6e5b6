/** The client address of a request, for the limit on failed authentication and for the log. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * The peer's address; behind a trusted proxy the last entry of X-Forwarded-For, which is the one that proxy wrote.
 * IPv4-mapped IPv6 is shown as IPv4, and IPv6 is cut to its /64: one host owns that many addresses.
 */
export function clientAddress(req: IncomingMessage, trustedProxy: boolean): string {
  const forwarded = trustedProxy ? req.headers['x-forwarded-for'] : undefined;
  const last = (Array.isArray(forwarded) ? forwarded.join(',') : forwarded)?.split(',').at(-1)?.trim();
  const text = last !== undefined && isIP(last) !== 0 ? last : (req.socket.remoteAddress ?? 'unknown');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  if (mapped !== undefined) return mapped;
  return isIP(text) === 6 ? prefix64(text) : text;
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
