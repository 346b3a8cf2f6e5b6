/** TLS to the database: its certificate and its name are checked, and nothing is sent to one that does not pass. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../controller/domain/fault.ts';
import { openStore } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { onDatabase, startPostgres } from '../support/postgres.ts';
import { NOW_MS } from '../support/state.ts';

const opened = (url: string): Promise<string> =>
  withFolder(async folder => {
    try {
      const store = await openStore({ folder, database: { url, connections: 1 }, nowMs: () => NOW_MS });
      await store.close();
      return 'opened';
    } catch (error) {
      return `${faultCode(error)}: ${(error as Error).message}`;
    }
  });

test('a server is used when its certificate is trusted and made for its name, and else refused with the cure', async () => {
  const server = await startPostgres('tls');
  if (server === undefined) throw new Error('these tests run on PostgreSQL');
  try {
    await onDatabase(`${server.url}/postgres`, 'create database ota');
    const url = `${server.url}/ota?sslmode=verify-full`;
    const trusted = `${url}&sslrootcert=${server.certificate}`;
    assert.is(await opened(trusted), 'opened');
    assert.match(
      await opened(url),
      /^store_refused: .*certificate is not trusted: check sslrootcert/,
      'unknown signer',
    );
    assert.match(
      await opened(trusted.replace('127.0.0.1', 'localhost')),
      /^store_refused: .*certificate is not trusted.*host name/,
      'another name',
    );
    assert.match(
      await opened(`${url}&sslrootcert=/no/such.pem`),
      /^store_refused: .*cannot be read: check sslrootcert/,
    );
  } finally {
    await server.stop();
  }
});

test.run();
