/** Where plain HTTP is allowed: one rule for listeners, public URLs, Git sources, the command line and the agent. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isLoopback, isPrivateUrl } from '../../controller/domain/loopback.ts';

test('loopback is localhost, 127.0.0.0/8 and ::1, in the spelling of settings and of URLs', () => {
  for (const host of ['localhost', '127.0.0.1', '127.0.0.53', '127.255.255.255', '::1', '[::1]'])
    assert.ok(isLoopback(host), host);
});

test('an address that others may reach is not loopback, however close it looks', () => {
  for (const host of [
    '',
    '0.0.0.0',
    '::',
    '10.1.2.3',
    '127.0.0.256',
    '127.0.0',
    '127.0.0.1.example',
    '127.evil.example',
    'localhost.example',
    '1127.0.0.1',
    '::ffff:10.0.0.1',
  ])
    assert.not(isLoopback(host), host);
});

test('a private URL is https, or plain http on loopback', () => {
  for (const text of ['https://ota.example', 'http://127.0.0.1:8080', 'http://[::1]:80', 'http://localhost'])
    assert.ok(isPrivateUrl(new URL(text)), text);
  for (const text of ['http://ota.example', 'ftp://127.0.0.1', 'http://10.0.0.1'])
    assert.not(isPrivateUrl(new URL(text)), text);
});

test.run();
