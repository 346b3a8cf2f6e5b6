/**
 * The comparison for the controller: a server that does nothing but send as many bytes.
 * `bare-server.js http|koa ANSWERS`, where ANSWERS is a JSON file with the two answers to give; prints its URL.
 */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';

export interface FixedAnswer {
  readonly status: number;
  /** Name, value, name, value. */
  readonly headers: readonly string[];
  readonly body: string;
}

export interface FixedAnswers {
  readonly offer: FixedAnswer;
  /** Given to requests with If-None-Match. */
  readonly hold: FixedAnswer;
}

function bareHttp({ offer, hold }: FixedAnswers): RequestListener {
  return (req, res) => {
    const { status, headers, body } = req.headers['if-none-match'] === undefined ? offer : hold;
    res.writeHead(status, headers as string[]);
    res.end(body === '' ? undefined : body);
  };
}

function bareKoa({ offer, hold }: FixedAnswers): RequestListener {
  const app = new Koa();
  const pairs = ({ headers }: FixedAnswer) =>
    Object.fromEntries(
      headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1] ?? '']] : [])),
    ) as Record<string, string>;
  const prepared = [offer, hold].map(answer => ({ ...answer, headers: pairs(answer) }));
  app.use(ctx => {
    const answer = prepared[ctx.req.headers['if-none-match'] === undefined ? 0 : 1];
    if (answer === undefined) return;
    ctx.status = answer.status;
    ctx.set(answer.headers);
    if (answer.body !== '') ctx.body = answer.body;
  });
  const handle = app.callback();
  return (req, res) => void handle(req, res);
}

const [kind, file = ''] = process.argv.slice(2);
const answers = JSON.parse(readFileSync(file, 'utf8')) as FixedAnswers;
const server = createServer(kind === 'koa' ? bareKoa(answers) : bareHttp(answers));
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
