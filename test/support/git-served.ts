/** A repository behind Git's own smart HTTP, with a hand on each request: for what happens between two hosts. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { serveGit } from './github/git-remote.ts';
import { type Repository, withRepository } from './repository.ts';

export interface Served {
  readonly repository: Repository;
  /** For mirrors and the like. */
  readonly place: string;
  readonly url: string;
  readonly token: string;
  /** Bodies of the requests for objects, as text. */
  readonly asked: string[];
  /** Puts the repository's refs and objects where they are served. */
  publish(): void;
}

/** What is done with a request: it is served, its connection is cut, it is never answered, or it is answered. */
export type Fate = 'serve' | 'cut' | 'hang' | { status: number; type: string; body: string };

const TOKEN = 'served-repository-token';

/** `judge` sees each request with its whole body before anything answers. */
export const withServed = <T>(
  judge: (request: { url: string; body: string }) => Fate,
  use: (served: Served) => Promise<T>,
  over: 'http' | 'https' = 'http',
): Promise<T> =>
  withRepository(async (repository, place) => {
    const bare = path.join(place, 'served', 'fleet', 'releases.git');
    const git = (...args: string[]): void => void execFileSync('git', args, { stdio: 'ignore' });
    const asked: string[] = [];
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const whole = Buffer.concat(chunks);
      const [url, body] = [request.url ?? '', whole.toString('latin1')];
      if (body !== '') asked.push(body);
      const fate = judge({ url, body });
      if (fate === 'hang') return;
      if (fate === 'cut') return void request.socket.destroy();
      if (fate !== 'serve') {
        response.writeHead(fate.status, { 'content-type': fate.type }).end(fate.body);
        return;
      }
      const { url: at, method, headers } = request;
      const again = Object.assign(new PassThrough(), { url: at, method, headers });
      serveGit(again as unknown as IncomingMessage, response, {
        root: path.join(place, 'served'),
        authorised: (_user, password) => password === TOKEN,
        onPushed: () => undefined,
      });
      again.end(whole);
    };
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      answer(request, response).catch(() => response.destroy());
    };
    const pem = (name: string): Buffer =>
      readFileSync(path.join(import.meta.dirname, '../fixtures/tls', `${name}.pem`));
    const server =
      over === 'http'
        ? createServer(listener)
        : createSecureServer({ cert: pem('cert'), key: pem('key') }, listener);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const base = `${over}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const publish = (): void => {
      git('clone', '--quiet', '--mirror', repository.folder, bare);
      for (const [name, value] of [
        ['uploadpack.allowFilter', 'true'],
        ['uploadpack.allowAnySHA1InWant', 'true'],
      ] as const)
        git('-C', bare, 'config', name, value);
    };
    try {
      return await use({
        repository,
        place,
        url: `${base}/fleet/releases.git`,
        token: TOKEN,
        asked,
        publish: () => {
          execFileSync('rm', ['-rf', bare]);
          publish();
        },
      });
    } finally {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    }
  });
