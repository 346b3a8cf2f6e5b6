/** Importing lists of devices: what people's files look like, and what an import must never do to a fleet. */
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { csvRows } from '../../../controller/http/operator/csv-rows.ts';
import { jsonRows } from '../../../controller/http/operator/json-rows.ts';
import { Refusal } from '../../../controller/http/problem.ts';
import { type TestServer, withServer } from '../../support/http.ts';
import { aSnapshot, aState } from '../../support/state.ts';

const CHECK = '/v1/agent/update?version_code=41';
const full = () => aSnapshot(aState({ rollout: 100 }));
const canaries = () =>
  aSnapshot(aState({ rollout: { canary: { tags: ['qa'], devices: ['kiosk-3'], cohorts: [] } } }));

async function importing(server: TestServer, body: string | Buffer, query = '') {
  const token = await server.admin('devices');
  const text = body.toString();
  const type = text.startsWith('[') || text.startsWith('{') ? 'application/json' : 'text/csv';
  return server.call('POST', `/v1/devices/import${query}`, { token, body, type });
}

const tagsOf = (server: TestServer, ...ids: string[]) => ids.map(id => server.store.devices.auth(id)?.tags);

/** In pieces of this size, as a network would bring them. */
async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(rows: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

async function refusalOf(rows: AsyncIterable<unknown>): Promise<string> {
  try {
    await all(rows);
  } catch (error) {
    if (error instanceof Refusal) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'taken';
}

test('a CSV with more rows than are allowed is refused while it still comes, and the controller lives on', () =>
  withServer({ snapshot: full(), settings: { importMaxRows: 1000 } }, async server => {
    const unheard: unknown[] = [];
    const listen = (reason: unknown) => void unheard.push(reason);
    process.on('unhandledRejection', listen);
    try {
      const ids = Array.from({ length: 100_000 }, (_, i) => `device-${i}`).join('\n');
      const answer = await importing(server, `device_id\n${ids}\n`).catch((error: Error) => error);
      // The rest of the body is not read, so the client may only see that the connection was cut.
      if (!(answer instanceof Error))
        assert.equal([answer.status, answer.json.code], [413, 'body_too_large']);
      assert.is((await server.call('GET', '/healthz')).status, 200);
      assert.equal(unheard, []);
    } finally {
      process.off('unhandledRejection', listen);
    }
  }));

test('an endlessly nested JSON list is refused after 16 KB, not after it was parsed', () =>
  withServer({ snapshot: full() }, async server => {
    const depth = 1_000_000;
    for (const text of ['['.repeat(2 * depth), `${'['.repeat(depth)}${']'.repeat(depth)}`]) {
      const answer = await importing(server, text).catch((error: Error) => error);
      if (answer instanceof Error) continue;
      assert.equal([answer.status, answer.json.code], [400, 'import_invalid']);
      assert.is(answer.json.detail, 'row 1 is larger than 16384 bytes');
    }
    assert.match(
      await refusalOf(jsonRows(cut(Buffer.from('['.repeat(depth)), 65_536))),
      'row 1 is larger than 16384 bytes',
    );
  }));

test('a JSON list is read as a JSON parser reads it, wherever the network cuts it', async () => {
  const row = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom('a,b', '[', ']"', '\\', '\\"', '}{', '😀'),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 8 }),
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      async (rows, size, wrap) => {
        const text = JSON.stringify(wrap ? { devices: rows, next_after: null } : rows, null, size % 3);
        assert.equal(await all(jsonRows(cut(Buffer.from(text), size))), JSON.parse(JSON.stringify(rows)));
      },
    ),
    { numRuns: 150 },
  );
});

test('what is not a JSON list is refused, not read in part', async () => {
  const broken = [
    '',
    '{',
    '{}',
    '{"devices":',
    '{"devices":[1]',
    '[1',
    '[1,]',
    '[,1]',
    '[1]]',
    '[1]x',
    '[1 2]',
    'x[1]',
  ];
  for (const text of [...broken, '{"other":[1]}', '{"devices":[1],"more":2}', '[1]{', '["\u0000"]', '["a]'])
    for (const size of [1, 100])
      assert.not.equal(await refusalOf(jsonRows(cut(Buffer.from(text), size))), 'taken', text);
  for (const text of [
    '[]',
    ' [ ] ',
    '\uFEFF[1]',
    '{"devices":[]}',
    '{ "devices" : [1] , "next_after" : "a" }',
  ])
    for (const size of [1, 100])
      assert.is(await refusalOf(jsonRows(cut(Buffer.from(text), size))), 'taken', text);
});

test('importing a list again without its tags column keeps the tags, and so the canaries', () =>
  withServer({ snapshot: canaries() }, async server => {
    await server.enrol('kiosk-1', ['qa']);
    for (const body of [
      'device_id\nkiosk-1\nkiosk-2\n',
      'device_id,tags\nkiosk-1,\nkiosk-2,""\n',
      'device_id,tags\nkiosk-1\nkiosk-2, \n',
      '[{"device_id":"kiosk-1"},{"device_id":"kiosk-2","tags":[]}]',
    ]) {
      assert.is((await importing(server, body)).status, 200, body);
      assert.equal(tagsOf(server, 'kiosk-1', 'kiosk-2'), [['qa'], []], body);
    }
  }));

test('a single dash removes the tags', () =>
  withServer({ snapshot: full() }, async server => {
    await server.enrol('kiosk-1', ['lab']);
    await server.enrol('kiosk-2', ['lab']);
    const mixed = await importing(server, 'device_id,tags\nkiosk-1,- lab\n');
    assert.equal([mixed.status, mixed.json.errors[0].path], [400, '/tags']);
    assert.is((await importing(server, 'device_id,tags\nkiosk-1,-\nnew,-\n')).status, 200);
    assert.is((await importing(server, '[{"device_id":"kiosk-2","tags":["-"]}]')).status, 200);
    assert.equal(tagsOf(server, 'kiosk-1', 'kiosk-2', 'new'), [[], [], []]);
  }));

test('an import that would take devices out of the canaries changes nothing until it is confirmed', () =>
  withServer({ snapshot: canaries() }, async server => {
    for (const [id, tags] of [
      ['kiosk-1', ['qa']],
      ['kiosk-2', ['qa', 'lab']],
      ['kiosk-3', ['qa']],
      ['kiosk-4', ['lab']],
    ] as const)
      await server.enrol(id, tags);
    const body = 'device_id,tags\nkiosk-1,-\nkiosk-2,qa\nkiosk-3,-\nkiosk-4,-\nkiosk-5,lab\n';
    const refused = await importing(server, body);
    assert.equal(
      [refused.status, refused.json.code, refused.json.devices],
      [409, 'confirmation_needed', ['kiosk-1']],
    );
    assert.match(
      refused.json.detail,
      /takes 1 device out of the canaries of the rollout: kiosk-1; to do it anyway/,
    );
    assert.equal(tagsOf(server, 'kiosk-1', 'kiosk-4', 'kiosk-5'), [['qa'], ['lab'], undefined]);
    assert.is((await importing(server, body, '?yes=no')).status, 400);
    assert.is((await importing(server, body, '?yes=true')).status, 200);
    assert.equal(tagsOf(server, 'kiosk-1', 'kiosk-2', 'kiosk-3'), [[], ['qa'], []]);
  }));

test('an import never lets a revoked device in again, and says so', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-1', ['lab']);
    const admin = await server.admin('devices');
    await server.call('POST', '/v1/devices/kiosk-1/revoke', { token: admin });
    const answer = await importing(server, 'device_id,tags\nkiosk-1,qa\nkiosk-2,\n');
    assert.equal([answer.json.created, answer.json.updated, answer.json.revoked], [1, 0, 1]);
    assert.equal(answer.json.devices[0], { device_id: 'kiosk-1', result: 'revoked' });
    assert.equal(server.store.devices.auth('kiosk-1')?.tags, ['lab']);
    assert.is((await server.call('GET', CHECK, { token })).json.code, 'token_revoked');
    // The export of another controller: its revoked devices are not enrolled here.
    const moved = await importing(
      server,
      'device_id,revoked_at\nkiosk-8,2026-11-01T00:00:00.000Z\nkiosk-9,\n',
    );
    assert.equal([moved.json.created, moved.json.revoked], [1, 1]);
    assert.is(server.store.devices.auth('kiosk-8'), undefined);
    const only = await importing(server, 'device_id,revoked_at\nkiosk-8,2026-11-01T00:00:00.000Z\n');
    assert.equal(only.json.devices, [{ device_id: 'kiosk-8', result: 'revoked' }]);
  }));

test('the controller’s own list can be imported unchanged, and changes nothing', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-1', ['qa', 'lab']);
    await server.enrol('kiosk-2');
    await server.call('GET', `${CHECK}&sdk=33&build_id=b41&signer=${'ab'.repeat(32)}`, { token });
    const admin = await server.admin('devices', 'read');
    await server.call('POST', '/v1/devices/kiosk-2/revoke', { token: admin });
    const list = () => server.call('GET', '/v1/devices', { token: admin });
    const before = await list();
    for (const body of [before.body.toString(), JSON.stringify(before.json.devices)]) {
      const answer = await importing(server, body);
      assert.equal([answer.json.created, answer.json.updated, answer.json.revoked], [0, 1, 1]);
    }
    const columns = Object.keys(before.json.devices[0]);
    const cell = (value: unknown) =>
      value === null ? '' : Array.isArray(value) ? value.join(' ') : String(value);
    const csv = [
      columns.join(','),
      ...before.json.devices.map((d: object) => Object.values(d).map(cell).join(',')),
    ];
    assert.is((await importing(server, csv.join('\n'))).json.updated, 1);
    assert.equal((await list()).json, before.json);
  }));

const utf16 = (text: string, order: 'le' | 'be', mark: boolean): Buffer => {
  const bytes = Buffer.from((mark ? '\uFEFF' : '') + text, 'utf16le');
  return order === 'le' ? bytes : bytes.swap16();
};

test('lists from spreadsheets are read: semicolons, tabs, byte order marks, UTF-16, and headers in any spelling', async () => {
  const expected = [{ device_id: 'kiosk-1', tags: ['qa', 'lab'] }, { device_id: 'kiosk-2' }];
  const files: Buffer[] = [
    'device_id,tags\nkiosk-1,qa lab\nkiosk-2,\n',
    '\uFEFFdevice_id;tags\r\nkiosk-1;qa,lab\r\nkiosk-2;\r\n',
    'Device_ID\tTags\r\nkiosk-1\tqa|lab\r\nkiosk-2\t\r\n',
    '"Device ID";"TAGS"\n"kiosk-1";"qa;lab"\n"kiosk-2";\n',
    'sep=;\r\ndeviceId;Tag\r\nkiosk-1;qa lab\r\nkiosk-2;\r\n;\r\n\r\n',
    '\n\n tags , device-id \n qa lab , kiosk-1 \n , kiosk-2 ',
  ].map(text => Buffer.from(text));
  for (const order of ['le', 'be'] as const)
    for (const mark of [true, false])
      files.push(utf16('Device ID\tTags\r\nkiosk-1\tqa lab\r\nkiosk-2\t\r\n', order, mark));
  for (const file of files)
    for (const size of [2, 7, 10_000])
      assert.equal(await all(csvRows(cut(file, size))), expected, file.toString('latin1'));
  const single = Buffer.from('DEVICE_ID\r\nkiosk-1\r\nkiosk-2\r\n');
  assert.equal(await all(csvRows(cut(single, 5))), [{ device_id: 'kiosk-1' }, { device_id: 'kiosk-2' }]);
});

test('a list that cannot be read is refused with the reason, and no header becomes a device', async () => {
  const cases: [string | Buffer, RegExp][] = [
    ['Serial\nkiosk-1\n', /the first line must name the columns, one of them device_id; it is "Serial"/],
    ['kiosk-1\nkiosk-2\n', /it is "kiosk-1"/],
    ['kiosk-1', /it is "kiosk-1"/],
    ['device_id,device id\na,b\n', /"device_id" is there twice/],
    [
      'device_id,colour\na,b\n',
      /"colour" is not known; the columns are device_id, tags, token_sha256, revoked_at/,
    ],
    ['device_id,result,token,nudge_key\na,created,x,y\n', /"result" is not known/],
    ['device_id,tags\na,b,c\n', /row 1 has 3 cells, but there are 2 columns/],
    ['device_id,tags\na,"b\n', /is not CSV: CSV_QUOTE_NOT_CLOSED/],
    [Buffer.from('device_id,tags\nkiosk-1,caf\xe9\n', 'latin1'), /save it as CSV UTF-8/],
    ['x'.repeat(100_000), /the first line must name the columns/],
  ];
  for (const [text, reason] of cases)
    assert.match(await refusalOf(csvRows(cut(Buffer.from(text as string), 1000))), reason);
  assert.equal(await all(csvRows(cut(Buffer.from(' \n\n'), 1))), []);
});

test.run();
