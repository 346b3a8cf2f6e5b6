/**
 * A local https server that plays the receiver of notifications: it holds each body to what the service publishes, each
 * signature to the reference library, and can refuse, redirect, hang up or stay silent on demand.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { NoticeForm } from '../../../controller/domain/notice/notice.ts';
import { violations } from './published.ts';

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));
/** Of the receiver's certificate, for `ca_file`. */
export const AUTHORITY = new URL('../../fixtures/tls/cert.pem', import.meta.url).pathname;
/** 32 bytes of base64. */
export const SECRET = `whsec_${Buffer.from('thirty-two bytes of a test secret').subarray(0, 32).toString('base64')}`;

export interface Delivery {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies that the published schema has just checked
  readonly json: any;
}

export interface Receiver {
  /** Ends in a path that is a secret, as the services' own URLs do. */
  readonly url: string;
  /** Taken messages, in order. */
  readonly received: Delivery[];
  /** Every request, refused ones included. */
  requests: number;
  /** What was wrong with requests; must stay empty. */
  readonly violations: string[];
  /** A status, with headers; `hang`: no answer at all. */
  answer: () => number | readonly [number, Readonly<Record<string, string>>] | 'hang';
}

export const SECRET_PATH = '/services/T000/B000/s3cr3t-part-of-the-url';

export interface ReceiverOptions {
  /** Plain http, as only loopback may. */
  readonly plain?: boolean;
  /** Messages that do not verify with it are violations. */
  readonly secret?: string;
  readonly host?: string;
}

export async function withReceiver<T>(
  service: NoticeForm,
  use: (receiver: Receiver) => Promise<T>,
  { plain = false, secret, host = '127.0.0.1' }: ReceiverOptions = {},
): Promise<T> {
  const handle = (req: IncomingMessage, res: ServerResponse): void => {
    take(receiver, service, secret, req, res).catch(error => receiver.violations.push(String(error)));
  };
  const server = plain
    ? createServer(handle)
    : createTlsServer({ key: fixture('key.pem'), cert: fixture('cert.pem') }, handle);
  await new Promise<void>(resolve => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `${plain ? 'http' : 'https'}://${host}:${port}${SECRET_PATH}`,
    received: [],
    requests: 0,
    violations: [],
    answer: () => (service === 'teams' ? 202 : 200),
  };
  try {
    return await use(receiver);
  } finally {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
}

async function take(
  receiver: Receiver,
  service: NoticeForm,
  secret: string | undefined,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  receiver.requests += 1;
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  if (req.method !== 'POST' || req.url !== SECRET_PATH) receiver.violations.push(`${req.method} ${req.url}`);
  if (req.headers['content-type'] !== 'application/json; charset=utf-8')
    receiver.violations.push('content-type');
  receiver.violations.push(...violations(service, body));
  if (secret !== undefined) new Webhook(secret).verify(body, req.headers as Record<string, string>);
  const answer = receiver.answer();
  if (answer === 'hang') return;
  const [status, headers] = typeof answer === 'number' ? [answer, {}] : answer;
  if (status < 300) receiver.received.push({ headers: req.headers, body, json: JSON.parse(body) });
  // A body that nobody should wait for: longer than anyone would want to read.
  res.writeHead(status, headers);
  res.write('x'.repeat(100_000));
  if (status >= 300) res.end();
}
