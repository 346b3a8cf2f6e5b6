/**
 * Keeps a listener below its share of file descriptors. When it is full, the connection that has waited longest without
 * sending a request is closed to make room, so that idle strangers keep nobody out.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export interface Connections {
  /** Called with the socket of each request before it is handled. Call what it returns when the request has ended. */
  begin(socket: Socket): () => void;
}

interface ConnectionOptions {
  readonly most: number;
  /** Called at most once in ten seconds with the number of connections closed to make room since the last call. */
  readonly onFull: (closed: number) => void;
  readonly monotonicMs: () => number;
}

interface Connection {
  readonly socket: Socket;
  /** Requests that are not answered yet. */
  running: number;
  /** Made once, since each check needs it. */
  readonly end: () => void;
}

const TELL_EVERY_MS = 10_000;

/** Under TLS a request comes with another socket object than the connection, but with the same peer. */
const peerOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`;
const nothing = (): void => undefined;

export function limitConnections(server: Server, options: ConnectionOptions): Connections {
  const { most, onFull, monotonicMs } = options;
  /** Each kind is ordered by waiting time, longest first. */
  const silent = new Set<Connection>();
  const idle = new Set<Connection>();
  const busy = new Set<Connection>();
  const byPeer = new Map<string, Connection>();
  const bySocket = new WeakMap<Socket, Connection>();
  let closed = 0;
  let toldAtMs = Number.NEGATIVE_INFINITY;

  const first = (from: Set<Connection>, except: Connection): Connection | undefined => {
    for (const connection of from) if (connection !== except) return connection;
    return undefined;
  };

  function leave(connection: Connection): void {
    silent.delete(connection);
    idle.delete(connection);
    busy.delete(connection);
  }

  function makeRoom(newest: Connection): void {
    const connection = first(silent, newest) ?? first(idle, newest) ?? newest;
    connection.socket.destroy();
    leave(connection);
    closed += 1;
    if (monotonicMs() - toldAtMs < TELL_EVERY_MS) return;
    toldAtMs = monotonicMs();
    onFull(closed);
    closed = 0;
  }

  function end(connection: Connection): void {
    connection.running -= 1;
    if (connection.running > 0 || !busy.delete(connection)) return;
    if (!connection.socket.destroyed) idle.add(connection);
  }

  server.on('connection', (socket: Socket) => {
    const connection: Connection = { socket, running: 0, end: () => end(connection) };
    const peer = peerOf(socket);
    silent.add(connection);
    byPeer.set(peer, connection);
    socket.once('close', () => {
      leave(connection);
      // The same peer may have a new connection by now.
      if (byPeer.get(peer) === connection) byPeer.delete(peer);
    });
    if (silent.size + idle.size + busy.size > most) makeRoom(connection);
  });

  function connectionOf(socket: Socket): Connection | undefined {
    const known = bySocket.get(socket);
    if (known !== undefined) return known;
    const found = byPeer.get(peerOf(socket));
    if (found !== undefined) bySocket.set(socket, found);
    return found;
  }

  return {
    begin: socket => {
      const connection = connectionOf(socket);
      if (connection === undefined || connection.socket.destroyed) return nothing;
      connection.running += 1;
      if (connection.running === 1) {
        if (!idle.delete(connection)) silent.delete(connection);
        busy.add(connection);
      }
      return connection.end;
    },
  };
}
