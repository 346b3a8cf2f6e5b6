/** A host other than the controller; an agent must not send any request to it. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Runs with a foreign server and the list of requests that reached it. */
export async function withForeignServer(
  apk: Buffer,
  run: (origin: string, seen: string[]) => Promise<void>,
): Promise<void> {
  const seen: string[] = [];
  const stranger = createServer((request, response) => {
    seen.push(request.headers.authorization === undefined ? 'without a token' : 'with the token');
    response.end(apk);
  });
  await new Promise<void>(resolve => stranger.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}`, seen);
  } finally {
    stranger.closeAllConnections();
    await new Promise(resolve => stranger.close(resolve));
  }
}

/** What an object store was asked for, and with which headers. */
interface AskedStore {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** Runs with an object store that holds the APK. `refuse`: how many requests it answers with 403 first. */
export async function withStore(
  apk: Buffer,
  run: (store: {
    readonly url: string;
    readonly asked: AskedStore[];
    refuse(times: number): void;
  }) => Promise<void>,
): Promise<void> {
  const asked: AskedStore[] = [];
  let refusals = 0;
  const store = createServer((request, response) => {
    asked.push({ url: request.url ?? '', headers: request.headers });
    if (refusals > 0) {
      refusals -= 1;
      response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>');
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = { 'content-range': `bytes ${from}-${apk.length - 1}/${apk.length}` };
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': apk.length - from,
      ...(from > 0 && range),
    });
    response.end(apk.subarray(from));
  });
  await new Promise<void>(resolve => store.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = store.address() as AddressInfo;
    const refuse = (times: number): void => {
      refusals = times;
    };
    await run({ url: `http://127.0.0.1:${port}/apks/b42?X-Amz-Signature=secret`, asked, refuse });
  } finally {
    store.closeAllConnections();
    await new Promise(resolve => store.close(resolve));
  }
}
