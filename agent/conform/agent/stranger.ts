/** A host other than the controller; an agent must not send any request to it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Runs with a foreign server and the list of requests that reached it. */
export async function withStranger(
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
