/** The server of the tests itself: a start that fails says why, at once. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startPostgres } from '../support/postgres.ts';

test('a server that cannot start is reported with its own message, and another server on its port is not taken for it', async () => {
  const server = await startPostgres();
  if (server === undefined) throw new Error('these tests run on PostgreSQL');
  const other = createServer(socket => socket.destroy());
  try {
    await server.crash();
    other.listen(Number(new URL(server.url).port), '127.0.0.1');
    await once(other, 'listening');
    const said = await server.revive().then(
      () => 'it started',
      error => String(error),
    );
    assert.match(said, 'exit code 1');
    assert.match(said, 'Address already in use');
  } finally {
    other.close();
    await server.stop();
  }
});

test.run();
