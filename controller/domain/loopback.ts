/** Addresses that only this machine can reach: the only ones where plain HTTP is allowed. */

const IPV4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

/** `host` as settings write it (`::1`) or as URLs do (`[::1]`). Any other spelling counts as reachable by others. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || IPV4.test(host);

/** True if nobody on the network can read the traffic: https, or plain http on loopback. */
export const isPrivateUrl = (url: { readonly protocol: string; readonly hostname: string }): boolean =>
  url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
