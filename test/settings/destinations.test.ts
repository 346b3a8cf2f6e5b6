/** OTA_NOTIFY: all mistakes together, no value echoed, secrets in files of their own. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import { NOTICE_KINDS } from '../../controller/domain/notice/notice.ts';
import { type NotifySettings, readDestinations } from '../../controller/settings/destinations.ts';
import { withFolder } from '../support/folder.ts';
import { AUTHORITY, SECRET } from '../support/notify/receiver.ts';

const URL_ = 'https://hooks.slack.com/services/T0/B0/hunter2';
type Read = (given: unknown) => NotifySettings;

const read: Read = given => readDestinations(typeof given === 'string' ? given : JSON.stringify(given));

function wrong(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.instance(error, Fault);
    assert.equal([(error as Fault).code, (error as Fault).retry], ['settings_invalid', 'never']);
    return (error as Fault).message;
  }
  throw new Error('it was accepted');
}

test('a destination with defaults gets every kind; its URL and its key print nowhere', () => {
  const settings = read({
    from: 'production',
    destinations: [
      { name: 'ops', service: 'slack', url: URL_ },
      { name: 'log', service: 'generic', url: 'http://127.0.0.1:9/x', secret: SECRET, kinds: ['halted'] },
    ],
  });
  const [ops, log] = settings.destinations;
  assert.is(settings.from, 'production');
  assert.equal([...(ops?.kinds ?? [])], [...NOTICE_KINDS]);
  assert.is(ops?.url.reveal(), URL_);
  assert.is(ops?.key, undefined);
  assert.equal([...(log?.kinds ?? [])], ['halted']);
  assert.is(Buffer.from(log?.key?.reveal() ?? '', 'base64').length, 32);
  for (const shown of [inspect(settings, { depth: 9 }), JSON.stringify(settings)])
    assert.not.match(shown, /hunter2|127\.0\.0\.1|dGhpc/);
});

test('URL, secret and authorities may lie in files of their own', () =>
  withFolder(async folder => {
    writeFileSync(path.join(folder, 'url'), `${URL_}\n`);
    writeFileSync(path.join(folder, 'key'), `${SECRET}\n`);
    const destination = {
      name: 'x',
      service: 'generic',
      url_file: path.join(folder, 'url'),
      secret_file: path.join(folder, 'key'),
      ca_file: AUTHORITY,
    };
    const [read_] = read({ destinations: [destination] }).destinations;
    assert.is(read_?.url.reveal(), URL_);
    assert.match(read_?.ca ?? '', /BEGIN CERTIFICATE/);
  }));

test('every mistake is reported with its destination and without its value', () => {
  const text = wrong(() =>
    read({
      form: 'x',
      from: 7,
      destinations: [
        { name: 'a', service: 'slak', url: 'http://hunter2.example/x', kinds: ['halt'] },
        { name: 'b', service: 'generic', url: 'https://user:hunter2@x.example/' },
        { name: 'c', service: 'generic', url: 'hunter2', secret: 'whsec_hunter2', url_fille: 'x' },
        { name: 'd', service: 'teams', url: URL_, url_file: 'x', ca_file: 'gone.pem' },
        { name: 'd', service: 'teams', kinds: [] },
        { name: 'A B', service: 'teams', url_file: 'gone' },
        'hunter2',
      ],
    }),
  );
  for (const part of [
    'unknown field; did you mean from?',
    'from: must be a text',
    'a: service must be one of generic, slack, teams',
    'a: kinds must be a list of applied',
    'a: url must be https',
    'b: url must be https',
    'b: secret or secret_file is missing',
    'c: unknown field; did you mean url_file?',
    'c: url must be https',
    'c: secret must be whsec_',
    'd: url and url_file: one or the other',
    'd: the file of ca_file cannot be read (ENOENT)',
    'd: kinds must be',
    'd: url or url_file is missing',
    'd: two destinations have this name',
    'destination 6: name must be',
    'destination 6: the file of url_file cannot be read (ENOENT)',
    'destination 7: must be an object',
  ])
    assert.ok(text.includes(part), `${part} in:\n${text}`);
  assert.not.match(text, /hunter2|slak\b/);
});

test('invalid JSON is refused without quoting it', () => {
  assert.match(
    wrong(() => read('{"destinations": [hunter2')),
    /not JSON$/,
  );
  assert.match(
    wrong(() => read('[]')),
    /must be a JSON object/,
  );
  assert.match(
    wrong(() => read(' '.repeat(70_000))),
    /larger than/,
  );
  assert.match(
    wrong(() => read({ destinations: Array(21).fill({}) })),
    /at most 20/,
  );
  for (const secret of [
    'whsec_',
    'whsec_AAAA',
    `whsec_${Buffer.alloc(65).toString('base64')}`,
    'AAAA'.repeat(10),
  ])
    assert.match(
      wrong(() => read({ destinations: [{ name: 'a', service: 'generic', url: URL_, secret }] })),
      /whsec_/,
    );
  for (const bytes of [24, 32, 64]) {
    const secret = `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;
    assert.is(
      read({ destinations: [{ name: 'a', service: 'generic', url: URL_, secret }] }).destinations.length,
      1,
    );
  }
});

test.run();
