/** HTTP by hand: bytes on a socket, for requests that no client would send. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawConnection {
  readonly socket: Socket;
  /** What was received so far. */
  readonly text: () => string;
  readonly closed: Promise<unknown>;
}

export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1');
  // Its peer may drop it while it still sends: that is what such tests are about.
  socket.on('error', () => undefined);
  let received = '';
  socket.on('data', chunk => {
    received += chunk.toString('latin1');
  });
  // Asked for now: the peer may be quicker than the test.
  const closed = new Promise(resolve => socket.once('close', resolve));
  await once(socket, 'connect');
  return { socket, text: () => received, closed };
}

/** A request without its body: `POST /path`, and its headers. */
export const requestHead = (line: string, headers: Readonly<Record<string, string>> = {}): string =>
  `${line} HTTP/1.1\r\nHost: x\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;
