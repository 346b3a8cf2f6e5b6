import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { wrongDatabaseUrl } from '../../controller/settings/database-url.ts';
import { readSettings } from '../../controller/settings/read.ts';

test('a database on this host needs no TLS; any other one needs a verified certificate', () => {
  for (const fine of [
    'postgres://ota@127.0.0.1:5432/ota',
    'postgresql://ota:secret@localhost/ota?sslmode=disable',
    'postgres:///ota?host=/var/run/postgresql',
    'postgres://ota:secret@db.example/ota?sslmode=verify-full',
    'postgres://ota:secret@db.example/ota?sslmode=verify-full&sslrootcert=/etc/ota/ca.pem',
  ])
    assert.is(wrongDatabaseUrl(fine), undefined, fine);
  for (const mode of ['', '?sslmode=disable', '?sslmode=require', '?sslmode=no-verify', '?sslmode=verify-ca'])
    assert.match(
      wrongDatabaseUrl(`postgres://ota:secret@db.example/ota${mode}`) ?? '',
      /sslmode=verify-full/,
    );
});

test('no parameter leads the driver elsewhere or switches verification off behind the check', () => {
  const remote = 'postgres://ota:secret@db.example/ota?sslmode=verify-full';
  for (const wrong of [
    'postgres:///ota?host=db.example',
    'postgres://ota@127.0.0.1/ota?host=db.example',
    'postgres://ota@db.example/ota?host=/var/run/postgresql',
    'postgres:///ota',
    `${remote}&sslmode=disable`,
    `${remote}&ssl=0`,
    `${remote}&uselibpqcompat=true`,
  ])
    assert.type(wrongDatabaseUrl(wrong), 'string', wrong);
});

test('what is not a PostgreSQL URL is refused with what to write, and without what was written', () => {
  const wrong = (OTA_DATABASE: string): string => {
    try {
      readSettings({ OTA_DATABASE });
    } catch (error) {
      return (error as Error).message;
    }
    return 'accepted';
  };
  assert.match(wrong('hunter2'), /OTA_DATABASE: it is not a URL: write postgres:\/\//);
  assert.match(wrong('mysql://ota:hunter2@127.0.0.1/ota'), /must begin with postgres:\/\//);
  assert.match(wrong('postgres://ota:hunter2@127.0.0.1'), /names no database/);
  for (const value of ['hunter2', 'mysql://ota:hunter2@127.0.0.1/ota', 'postgres://ota:hunter2@127.0.0.1'])
    assert.not.match(wrong(value), /hunter2/);
});

test.run();
