/**
 * Keeps a listener below its share of file descriptors. When it is full, the connection that has waited longest without
 * sending a request is closed to make room, so that idle strangers keep nobody out.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Connections {
  /** Called with each request before it is handled. */
  begin(req: IncomingMessage, res: ServerResponse): void;
}

export interface ConnectionOptions {
  readonly most: number;
  /** Called with the number of connections closed to make room since the last call; at most once in ten seconds. */
  readonly onFull: (closed: number) => void;
  readonly monotonicMs: () => number;
}

interface Connection {
  readonly socket: Socket;
  /** Requests that are not answered yet. */
  running: number;
}

const TELL_EVERY_MS = 10_000;

/** Under TLS a request comes with another socket object than the connection, but with the same peer. */
const keyOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`;

export function limitConnections(server: Server, options: ConnectionOptions): Connections {
  const { most, onFull, monotonicMs } = options;
  /** Of each kind the longest waiting comes first. */
  const silent = new Map<string, Connection>();
  const idle = new Map<string, Connection>();
  const busy = new Map<string, Connection>();
  let closed = 0;
  let toldAtMs = Number.NEGATIVE_INFINITY;

  const first = (from: Map<string, Connection>, except: string): string | undefined => {
    for (const key of from.keys()) if (key !== except) return key;
    return undefined;
  };

  function makeRoom(newest: string): void {
    const key = first(silent, newest) ?? first(idle, newest) ?? newest;
    (silent.get(key) ?? idle.get(key))?.socket.destroy();
    silent.delete(key);
    idle.delete(key);
    closed += 1;
    if (monotonicMs() - toldAtMs < TELL_EVERY_MS) return;
    toldAtMs = monotonicMs();
    onFull(closed);
    closed = 0;
  }

  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    const connection = { socket, running: 0 };
    silent.set(key, connection);
    socket.once('close', () => {
      // The same peer may have a new connection by now.
      for (const kind of [silent, idle, busy]) if (kind.get(key) === connection) kind.delete(key);
    });
    if (silent.size + idle.size + busy.size > most) makeRoom(key);
  });

  return {
    begin: (req, res) => {
      const key = keyOf(req.socket);
      const connection = silent.get(key) ?? idle.get(key) ?? busy.get(key);
      if (connection === undefined) return;
      silent.delete(key);
      idle.delete(key);
      busy.set(key, connection);
      connection.running += 1;
      res.once('close', () => {
        connection.running -= 1;
        if (connection.running > 0 || busy.get(key) !== connection) return;
        busy.delete(key);
        if (!connection.socket.destroyed) idle.set(key, connection);
      });
    },
  };
}
