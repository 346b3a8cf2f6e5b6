/** Git's own smart HTTP server (`git http-backend`) behind Node: the remote that controller and CLI clone and push to. */
import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Serves `<root>/<owner>/<repo>.git` under the same path. `authorised` judges the Basic credentials; without them
 * Git is asked for some, as GitHub does.
 */
export function serveGit(
  request: IncomingMessage,
  response: ServerResponse,
  options: { root: string; authorised: (user: string, password: string) => boolean; onPushed: () => void },
): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  const [user = '', ...password] = Buffer.from(basic ?? '', 'base64')
    .toString()
    .split(':');
  if (basic === undefined || !options.authorised(user, password.join(':'))) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="GitHub"' }).end();
    return;
  }
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: options.root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: request.headers['content-length'] ?? '',
      HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: user,
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(backend.stdin);
  backend.stdin.on('error', () => request.unpipe()); // the backend ended early; its answer says why

  let head = Buffer.alloc(0);
  let headed = false;
  backend.stdout.on('data', (chunk: Buffer) => {
    if (headed) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    headed = true;
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const colon = line.indexOf(':');
      const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
      if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.write(head.subarray(end + 4));
  });
  backend.on('close', () => {
    if (url.pathname.endsWith('/git-receive-pack')) options.onPushed();
    if (!headed && !response.headersSent) response.writeHead(500);
    response.end();
  });
}
