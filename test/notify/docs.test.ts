/** docs/notifications.md: its snippet verifies what we send, its example is read, its tables are complete. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NOTICE_KINDS } from '../../controller/domain/notice/notice.ts';
import { readDestinations } from '../../controller/settings/destinations.ts';
import { withFolder } from '../support/folder.ts';
import { noticesWith } from '../support/notify/notices.ts';
import { violations } from '../support/notify/published.ts';
import { SECRET, withReceiver } from '../support/notify/receiver.ts';
import { aDestination, withNotifications } from '../support/notify/scene.ts';

const root = path.resolve(import.meta.dirname, '../..');
const text = await readFile(path.join(root, 'docs/notifications.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, block = '']) => block,
  );

type Verify = (headers: unknown, body: string, secret: string, nowMs?: number) => boolean;

test('the snippet takes what the controller sends, and nothing that was changed, is old or is of another key', () =>
  withFolder(folder =>
    withReceiver('generic', receiver =>
      withNotifications([aDestination(receiver.url)], async scene => {
        const file = path.join(folder, 'verify.mjs');
        await writeFile(file, blocks('js')[0] ?? '');
        const { verify } = (await import(pathToFileURL(file).href)) as { verify: Verify };
        for (const notice of noticesWith('“ümlauts” ✓')) await scene.tell(notice);
        assert.is(receiver.received.length, 6);
        for (const { headers, body } of receiver.received) {
          const sentMs = Number(headers['webhook-timestamp']) * 1_000;
          assert.is(verify(headers, body, SECRET), true);
          assert.is(
            verify(
              { ...headers, 'webhook-signature': `v1,AAAA ${headers['webhook-signature']}` },
              body,
              SECRET,
            ),
            true,
          );
          assert.is(verify(headers, `${body} `, SECRET), false);
          assert.is(verify(headers, body, `whsec_${Buffer.alloc(32).toString('base64')}`), false);
          assert.is(verify({ ...headers, 'webhook-id': 'another' }, body, SECRET), false);
          assert.is(verify(headers, body, SECRET, sentMs + 301_000), false);
          assert.is(verify({}, body, SECRET), false);
        }
      }),
    ),
  ));

test('the example of destinations is read, and the example of a body is valid', () =>
  withFolder(async folder => {
    const [destinations = '', body = ''] = blocks('json');
    await writeFile(path.join(folder, 'secret'), SECRET);
    await writeFile(path.join(folder, 'url'), 'https://hooks.example/x');
    const here = destinations
      .replace(/"secret_file": "[^"]*"/, `"secret_file": ${JSON.stringify(path.join(folder, 'secret'))}`)
      .replace(/"url_file": "[^"]*"/g, `"url_file": ${JSON.stringify(path.join(folder, 'url'))}`);
    assert.equal(
      readDestinations(here).destinations.map(d => d.name),
      ['ops', 'release-room', 'audit'],
    );
    assert.equal(violations('generic', body), []);
  }));

test('every kind, type, field and code has its row', async () => {
  const rows = new Set(
    [...text.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(m => m[1]),
    ),
  );
  const source = await Promise.all(
    [
      'controller/notify/post.ts',
      'controller/compose/notifications.ts',
      'controller/settings/destinations.ts',
    ].map(f => readFile(path.join(root, f), 'utf8')),
  );
  const codes = source.flatMap(s => s.match(/\bdestination_[a-z]+\b/g) ?? []);
  const fields = /const FIELDS = \[([^\]]*)\]/.exec(source[2] ?? '')?.[1]?.match(/[a-z_]+/g) ?? [];
  assert.ok(codes.length > 9 && fields.length > 7);
  for (const name of [...NOTICE_KINDS, ...codes, ...fields, 'from', 'destinations'])
    assert.ok(rows.has(name), `${name} has no row in docs/notifications.md`);
  for (const kind of NOTICE_KINDS) assert.ok(text.includes(`\`rollout.${kind}\``));
});

test.run();
