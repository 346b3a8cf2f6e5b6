/**
 * A local server that plays FCM HTTP v1: speaks TLS under the service's own name, holds every message to the
 * published schema (firebase.google.com/docs/reference/fcm/rest/v1/projects.messages) and can refuse on demand.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:tls';
import { Ajv } from 'ajv';
import { type Fcm, makeFcm } from '../../controller/push/fcm.ts';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
const HOST = 'fcm.googleapis.com';
const PROJECT = 'fleet-test';
const ACCESS_TOKEN = 'local-access-token';

const text = { type: 'string' } as const;
const validMessage = new Ajv({ allErrors: true }).compile({
  type: 'object',
  additionalProperties: false,
  required: ['message'],
  properties: {
    validate_only: { type: 'boolean' },
    message: {
      type: 'object',
      additionalProperties: false,
      required: ['token'],
      properties: {
        token: { type: 'string', minLength: 1 },
        data: { type: 'object', additionalProperties: text },
        android: {
          type: 'object',
          additionalProperties: false,
          properties: {
            collapse_key: text,
            priority: { enum: ['high', 'HIGH', 'normal', 'NORMAL'] },
            ttl: { type: 'string', pattern: '^\\d+(\\.\\d+)?s$' },
            restricted_package_name: text,
            data: { type: 'object', additionalProperties: text },
          },
        },
      },
    },
  },
});

/** What the service answers instead of accepting. */
export type Refusal =
  | 'UNREGISTERED'
  | 'INVALID_ARGUMENT'
  | 'SENDER_ID_MISMATCH'
  | 'QUOTA_EXCEEDED'
  | 'INTERNAL'
  /** 404 and 403 without FCM's own details: the project is not there, or may not be used. */
  | 'NO_PROJECT'
  | 'NO_PERMISSION'
  | 'HANG_UP';

const STATUS: Readonly<Record<Exclude<Refusal, 'HANG_UP'>, [number, string]>> = {
  UNREGISTERED: [404, 'NOT_FOUND'],
  INVALID_ARGUMENT: [400, 'INVALID_ARGUMENT'],
  SENDER_ID_MISMATCH: [403, 'PERMISSION_DENIED'],
  QUOTA_EXCEEDED: [429, 'RESOURCE_EXHAUSTED'],
  INTERNAL: [500, 'INTERNAL'],
  NO_PROJECT: [404, 'NOT_FOUND'],
  NO_PERMISSION: [403, 'PERMISSION_DENIED'],
};

/** What is judged before the token is looked at. */
const OF_PROJECT: ReadonlySet<Refusal | undefined> = new Set(['NO_PROJECT', 'NO_PERMISSION', 'INTERNAL']);

export interface Received {
  readonly token: string;
  readonly data: Readonly<Record<string, string>>;
  readonly android: Readonly<Record<string, string>>;
  readonly atMs: number;
}

export interface FcmServer {
  /** Accepted messages, in order. */
  readonly received: Received[];
  /** What was wrong with requests; must stay empty. */
  readonly violations: string[];
  /** Every request, refused ones included. */
  requests: number;
  refuse: (token: string) => Refusal | undefined;
  onMessage: (message: Received) => void;
  /** Once so many were accepted, no request is answered any more: the sender is in the middle, however fast it is. */
  fallSilentAt: number;
  readonly port: number;
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function answer(server: FcmServer, req: IncomingMessage, res: ServerResponse): Promise<void> {
  server.requests += 1;
  const raw = await bodyOf(req);
  const body: unknown = JSON.parse(raw);
  if (req.method !== 'POST' || req.url !== `/v1/projects/${PROJECT}/messages:send`)
    server.violations.push(`${req.method} ${req.url}`);
  if (req.headers.authorization !== `Bearer ${ACCESS_TOKEN}`) server.violations.push('authorization');
  if (!validMessage(body)) server.violations.push(JSON.stringify(validMessage.errors));
  const { message, validate_only } = body as {
    validate_only?: boolean;
    message: { token: string; data: Record<string, string>; android: Record<string, string> };
  };
  if (Buffer.byteLength(JSON.stringify(message.data ?? {})) > 4096)
    server.violations.push('payload over 4096 bytes');
  if (server.received.length >= server.fallSilentAt) return;
  const refused = server.refuse(message.token);
  // Whatever a test refuses of devices, a dry run for a malformed token is called invalid by a project that works.
  const refusal = validate_only === true && !OF_PROJECT.has(refused) ? 'INVALID_ARGUMENT' : refused;
  if (refusal === 'HANG_UP') {
    req.socket.destroy();
    return;
  }
  res.setHeader('content-type', 'application/json');
  if (refusal !== undefined) {
    const [code, status] = STATUS[refusal];
    const isBare = refusal === 'NO_PROJECT' || refusal === 'NO_PERMISSION';
    const details = isBare
      ? []
      : [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: refusal }];
    res.writeHead(code).end(JSON.stringify({ error: { code, message: refusal, status, details } }));
    return;
  }
  if (validate_only === true) {
    res.end(JSON.stringify({ name: `projects/${PROJECT}/messages/fake_message_id` }));
    return;
  }
  const received = { token: message.token, data: message.data, android: message.android, atMs: Date.now() };
  server.received.push(received);
  server.onMessage(received);
  res.end(JSON.stringify({ name: `projects/${PROJECT}/messages/${server.received.length}` }));
}

/** Leads the SDK's connections to the local port, still verifying the certificate under the service's name. */
class LocalAgent extends Agent {
  readonly #port: number;

  constructor(port: number) {
    super({ keepAlive: true, maxSockets: 32 });
    this.#port = port;
  }

  override createConnection(): Socket {
    return connect({ host: '127.0.0.1', port: this.#port, servername: HOST, ca: fixture('cert.pem') });
  }
}

/** The real SDK, its connections led to a server at `port`. */
export const fcmAt = (port: number): Fcm =>
  makeFcm({
    projectId: PROJECT,
    credential: { getAccessToken: async () => ({ access_token: ACCESS_TOKEN, expires_in: 3600 }) },
    agent: new LocalAgent(port),
  });

export async function withFcm(use: (server: FcmServer, fcm: Fcm) => Promise<void>): Promise<void> {
  const http = createServer({ key: fixture('key.pem'), cert: fixture('cert.pem') }, (req, res) => {
    answer(state, req, res).catch(error => state.violations.push(String(error)));
  });
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  const state: FcmServer = {
    received: [],
    violations: [],
    fallSilentAt: Number.POSITIVE_INFINITY,
    requests: 0,
    refuse: () => undefined,
    onMessage: () => undefined,
    port: (http.address() as AddressInfo).port,
  };
  const fcm = fcmAt(state.port);
  try {
    await use(state, fcm);
  } finally {
    await fcm.close();
    http.closeAllConnections();
    await new Promise(resolve => http.close(resolve));
  }
}
