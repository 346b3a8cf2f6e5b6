/** Operators' routes: SPEC §6. */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nudgeKey } from '../../../controller/domain/nudge/message.ts';
import { NUDGE_MASTER, withServer } from '../../support/http.ts';
import { aSnapshot, aState, NOW_MS } from '../../support/state.ts';

const full = () => aSnapshot(aState({ rollout: 100 }));
const CHECK = '/v1/agent/update?version_code=41';

test('enrolling returns the token and the nudge key once', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.admin('devices', 'read');
    const json = { device_id: 'lab:AA.7', tags: ['qa'] };
    const first = await server.call('POST', '/v1/devices', { token, json });
    assert.is(first.status, 201);
    assert.is(first.headers['cache-control'], 'no-store');
    assert.is(first.json.nudge_key, nudgeKey(NUDGE_MASTER, 'lab:AA.7', 1).toString('base64'));
    assert.is((await server.call('GET', CHECK, { token: first.json.token })).status, 200);
    const again = await server.call('POST', '/v1/devices', { token, json });
    assert.equal([again.status, again.json.code], [409, 'device_exists']);
    const seen = await server.call('GET', '/v1/devices/lab:AA.7', { token });
    assert.equal(seen.json.tags, ['qa']);
    assert.not.match(seen.body.toString(), first.json.token);
    for (const wrong of [
      {},
      { device_id: 'a b' },
      { device_id: 'x', tags: ['No'] },
      { device_id: 'x', extra: 1 },
    ])
      assert.is((await server.call('POST', '/v1/devices', { token, json: wrong })).status, 400);
  }));

test('a device is listed, tagged, rotated, revoked and deleted, and each change is audited', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.admin('devices', 'read');
    const old = await server.enrol('kiosk-7');
    const tags = await server.call('PUT', '/v1/devices/kiosk-7/tags', {
      token,
      json: { tags: ['qa', 'lobby'] },
    });
    assert.equal(tags.json, { device_id: 'kiosk-7', tags: ['qa', 'lobby'] });
    const rotated = (await server.call('POST', '/v1/devices/kiosk-7/rotate', { token })).json;
    assert.is((await server.call('GET', CHECK, { token: old })).status, 200);
    const now = await server.call('POST', '/v1/devices/kiosk-7/rotate', { token, json: { grace_s: 0 } });
    assert.is((await server.call('GET', CHECK, { token: old })).status, 401);
    assert.is((await server.call('GET', CHECK, { token: rotated.token })).status, 401);
    assert.is((await server.call('GET', CHECK, { token: now.json.token })).status, 200);
    assert.is((await server.call('POST', '/v1/devices/kiosk-7/revoke', { token })).status, 204);
    assert.is((await server.call('GET', CHECK, { token: now.json.token })).status, 401);
    assert.ok((await server.call('GET', '/v1/devices/kiosk-7', { token })).json.revoked_at);
    assert.is((await server.call('DELETE', '/v1/devices/kiosk-7', { token })).status, 204);
    for (const [method, path] of [
      ['GET', '/v1/devices/kiosk-7'],
      ['GET', '/v1/devices/kiosk-7/explain'],
      ['DELETE', '/v1/devices/kiosk-7'],
      ['POST', '/v1/devices/kiosk-7/revoke'],
      ['POST', '/v1/devices/kiosk-7/rotate'],
    ] as const)
      assert.is((await server.call(method, path, { token })).json.code, 'device_not_found');
    const { events } = (await server.call('GET', '/v1/events', { token })).json;
    assert.equal(
      events.map((e: { action: string }) => e.action),
      ['device.delete', 'device.revoke', 'device.rotate', 'device.rotate', 'device.tags', 'device.enrol'],
    );
    assert.match(events[0].actor, /^admin:test-/);
    assert.not.match(JSON.stringify(events), now.json.token);
    assert.is(server.of('ota.admin').length, 6);
  }));

test('enrol, rotate and import of a revoked device all name the one command that readmits it', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.admin('devices', 'read');
    const old = await server.enrol('kiosk-7', ['qa']);
    await server.call('POST', '/v1/devices/kiosk-7/revoke', { token });
    const enrol = await server.call('POST', '/v1/devices', { token, json: { device_id: 'kiosk-7' } });
    const rotate = await server.call('POST', '/v1/devices/kiosk-7/rotate', { token });
    for (const answer of [enrol, rotate]) {
      assert.equal([answer.status, answer.json.code], [409, 'device_revoked']);
      assert.match(answer.json.detail, /rotate it with readmit/);
    }
    const json = { readmit: true };
    const back = await server.call('POST', '/v1/devices/kiosk-7/rotate', { token, json });
    assert.equal([back.status, back.json.generation], [200, 2]);
    assert.is((await server.call('GET', CHECK, { token: back.json.token })).status, 200);
    assert.is((await server.call('GET', CHECK, { token: old })).json.code, 'token_superseded');
    assert.equal(server.store.devices.auth('kiosk-7')?.tags, ['qa']);
    // Of a device that was not revoked it is an ordinary rotation.
    const again = await server.call('POST', '/v1/devices/kiosk-7/rotate', { token, json });
    assert.is(again.json.generation, 3);
    assert.is((await server.call('GET', CHECK, { token: back.json.token })).status, 200);
    assert.is((await server.call('POST', '/v1/devices/nobody/rotate', { token, json })).status, 404);
    const known = await server.call('POST', '/v1/devices', { token, json: { device_id: 'kiosk-7' } });
    assert.is(known.json.code, 'device_exists');
    const { events } = (await server.call('GET', '/v1/events', { token })).json;
    assert.equal(
      events.map((e: { action: string }) => e.action),
      ['device.rotate', 'device.readmit', 'device.revoke', 'device.enrol'],
    );
  }));

test('the token in use, and the last one that may create others, are revoked only with yes', () =>
  withServer({ snapshot: full() }, async server => {
    const root = await server.admin('admin');
    const make = async (name: string, ...scopes: string[]) => {
      const json = { name, scopes, expires_in_s: 3600 };
      return (await server.call('POST', '/v1/admin-tokens', { token: root, json })).json.token as string;
    };
    const second = await make('second', 'admin');
    await make('reader', 'read');
    const revoke = async (name: string, token: string, query = '') => {
      const answer = await server.call('DELETE', `/v1/admin-tokens/${name}${query}`, { token });
      return answer.status === 204 ? 'revoked' : answer.json.code;
    };
    assert.is(await revoke('reader', root), 'revoked');
    assert.is(await revoke('reader', root), 'token_not_found');
    assert.is(await revoke('second', second), 'confirmation_needed');
    assert.is(await revoke('second', second, '?yes=false'), 'confirmation_needed');
    assert.is(await revoke('second', second, '?yes=maybe'), 'query_invalid');
    assert.is(await revoke('second', second, '?yes=true'), 'revoked');
    const tokens = await server.store.admins.list();
    const name = tokens.find(t => t.name.startsWith('test-'))?.name ?? '';
    const last = await server.call('DELETE', `/v1/admin-tokens/${name}`, { token: root });
    assert.equal([last.status, last.json.code], [409, 'confirmation_needed']);
    assert.match(last.json.detail, /last valid admin token/);
    // One that has expired does not count as another.
    await make('short', 'admin');
    assert.match(
      (await server.call('DELETE', `/v1/admin-tokens/${name}`, { token: root })).json.detail,
      /you are using/,
    );
    server.world.nowMs += 3_600_000;
    assert.match(
      (await server.call('DELETE', `/v1/admin-tokens/${name}`, { token: root })).json.detail,
      /last valid/,
    );
    assert.is(await revoke(name, root, '?yes=true'), 'revoked');
    assert.is((await server.call('GET', '/v1/admin-tokens', { token: root })).json.code, 'token_revoked');
  }));

test('every legal device id can be named in a path', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.admin('read');
    const named: [string, string][] = [
      ['.', '%252E'],
      ['..', '%252e%252E'],
      ['a:b', 'a%3Ab'],
      ['import', 'import'],
      ['...', '...'],
    ];
    for (const [id, path] of named) {
      await server.enrol(id);
      assert.is((await server.call('GET', `/v1/devices/${path}`, { token })).json.device_id, id);
    }
    for (const path of ['a%20b', '%252E%252E%252E', '%25', 'a%2Fb', 'x'.repeat(65)])
      assert.is((await server.call('GET', `/v1/devices/${path}`, { token })).json.code, 'path_invalid', path);
  }));

test('lists are paged', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.admin('devices', 'read');
    const json = Array.from({ length: 25 }, (_, i) => ({
      device_id: `d${String(i).padStart(2, '0')}`,
      tags: i % 2 ? ['odd'] : [],
    }));
    await server.call('POST', '/v1/devices/import', { token, json });
    const ids: string[] = [];
    let after = '';
    for (let page = 0; page < 10; page++) {
      const { devices, next_after } = (await server.call('GET', `/v1/devices?limit=10${after}`, { token }))
        .json;
      ids.push(...devices.map((d: { device_id: string }) => d.device_id));
      if (next_after === null) break;
      after = `&after=${next_after}`;
    }
    assert.equal(
      ids,
      json.map(d => d.device_id),
    );
    assert.is((await server.call('GET', '/v1/devices?tag=odd', { token })).json.devices.length, 12);
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'after=%20', 'tag=NO', 'limit=1&limit=2'])
      assert.is((await server.call('GET', `/v1/devices?${query}`, { token })).status, 400, query);
    for (const query of ['before=0', 'before=x', 'limit=-1'])
      assert.is((await server.call('GET', `/v1/events?${query}`, { token })).status, 400, query);
  }));

test('CSV and JSON are imported alike: new devices get tokens, known ones keep theirs', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.admin('devices', 'read');
    const known = await server.enrol('kiosk-1');
    const sha256 = createHash('sha256').update('an older token').digest('hex');
    const body = `\uFEFFdevice_id,tags,token_sha256\r\nkiosk-1,qa,\r\n"kiosk-2","qa;lobby",\r\nkiosk-3,,${sha256}\r\n\r\n`;
    const csv = await server.call('POST', '/v1/devices/import', { token, body, type: 'text/csv' });
    assert.is(csv.status, 200);
    assert.equal([csv.json.created, csv.json.updated], [2, 1]);
    const [one, two, three] = csv.json.devices;
    assert.equal(one, { device_id: 'kiosk-1', result: 'updated' });
    assert.is((await server.call('GET', CHECK, { token: two.token })).status, 200);
    assert.equal([three.token, typeof three.nudge_key], [undefined, 'string']);
    assert.is((await server.call('GET', CHECK, { token: 'an older token' })).status, 200);
    assert.is((await server.call('GET', CHECK, { token: known })).status, 200);
    assert.equal((await server.call('GET', '/v1/devices/kiosk-2', { token })).json.tags.sort(), [
      'lobby',
      'qa',
    ]);
    const json = await server.call('POST', '/v1/devices/import', {
      token,
      json: { devices: [{ device_id: 'kiosk-4', tags: ['qa'] }] },
    });
    assert.is(json.json.devices[0].result, 'created');
    const other = await server.call('POST', '/v1/devices/import', {
      token,
      json: [{ device_id: 'kiosk-5', token_sha256: sha256 }],
    });
    assert.equal([other.status, other.json.code], [409, 'token_taken']);
  }));

test('an import with a wrong row names every wrong row and imports nothing', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.admin('devices', 'read');
    const body = 'device_id,tags\nkiosk-1,qa\nkiosk 2,qa\nkiosk-3,Qa\nkiosk-1,\n';
    const answer = await server.call('POST', '/v1/devices/import', { token, body, type: 'text/csv' });
    assert.equal([answer.status, answer.json.code], [400, 'import_invalid']);
    assert.equal([answer.json.rows, answer.json.errors_total], [4, 3]);
    assert.equal(
      answer.json.errors.map((e: { row: number; path: string }) => [e.row, e.path]),
      [
        [2, '/device_id'],
        [3, '/tags/0'],
        [4, '/device_id'],
      ],
    );
    assert.equal((await server.call('GET', '/v1/devices', { token })).json.devices, []);
    const bad: [string, string][] = [
      ['text/csv', ''],
      ['text/csv', 'device_id\n'],
      ['text/csv', 'device_id,tags\n"unclosed,qa\n'],
      ['text/csv', 'device_id,tags\na,b,c\n'],
      ['text/csv', 'id\nkiosk-1\n'],
      ['text/csv', 'device_id,device_id\nkiosk-1,kiosk-2\n'],
      ['text/csv', `device_id,tags\nkiosk-1,${'x '.repeat(20_000)}\n`],
      ['application/json', '{"devices": 3}'],
      ['application/json', '[1, null]'],
      ['application/json', '[]'],
    ];
    for (const [type, text] of bad) {
      const refused = await server.call('POST', '/v1/devices/import', { token, body: text, type });
      assert.equal([refused.status, refused.json.code], [400, 'import_invalid'], text.slice(0, 40));
    }
    assert.is(
      (await server.call('POST', '/v1/devices/import', { token, body: 'x', type: 'text/plain' })).status,
      415,
    );
  }));

test('an import is bounded in bytes and rows', () =>
  withServer({ snapshot: full(), settings: { importMaxBytes: 20_000, importMaxRows: 50 } }, async server => {
    const token = await server.admin('devices');
    const ids = (count: number, width: number) =>
      `device_id\n${Array.from({ length: count }, (_, i) => `d${i}`.padEnd(width, 'x')).join('\n')}\n`;
    for (const [type, body] of [
      ['text/csv', ids(51, 5)],
      ['text/csv', ids(1000, 60)],
      ['application/json', JSON.stringify(Array.from({ length: 51 }, (_, i) => ({ device_id: `d${i}` })))],
    ] as const) {
      const answer = await server.call('POST', '/v1/devices/import', { token, body, type });
      assert.equal([answer.status, answer.json.code], [413, 'body_too_large']);
    }
    assert.is(
      (await server.call('POST', '/v1/devices/import', { token, body: ids(50, 5), type: 'text/csv' })).status,
      200,
    );
  }));

test('the rollout and the builds are shown as they stand now', () =>
  withServer({ snapshot: aSnapshot(aState({ rollout: 10 })) }, async server => {
    const token = await server.admin('read');
    for (const [id, version] of [
      ['one', 42],
      ['two', 41],
    ] as const) {
      const device = await server.enrol(id);
      await server.call('GET', `/v1/agent/update?version_code=${version}`, { token: device });
    }
    await server.enrol('never-seen');
    const { json } = await server.call('GET', '/v1/rollout', { token });
    assert.is(json.rollout.current, 'b42');
    assert.equal(json.exposure, {
      declared_percent: 10,
      effective_percent: 10,
      next_change_at: null,
      ramp: null,
      halts: [],
      conditions: [],
      advice: null,
    });
    assert.equal(json.fleet, {
      enrolled: 3,
      active: 2,
      running_current: 1,
      adoption_ratio: 0.5,
      active_window_s: 259_200,
      check_in_gaps: { poll_interval_s: 21_600, devices: 0, quantiles_s: [] },
    });
    const { builds } = (await server.call('GET', '/v1/builds', { token })).json;
    assert.equal(
      builds.map((b: { build_id: string; role: string; running_devices: number; stored: boolean }) => [
        b.build_id,
        b.role,
        b.running_devices,
        b.stored,
      ]),
      [
        ['b41', 'last_safe', 1, false],
        ['b42', 'current', 1, false],
      ],
    );
  }));

test('before the first revision the rollout is null and its problems are shown', () =>
  withServer(
    {
      status: {
        attemptedRevision: 'a'.repeat(40),
        problems: [
          {
            severity: 'error',
            code: 'unknown_build',
            file: 'rollout.yaml',
            line: 3,
            column: 10,
            path: 'current',
            message: 'no build',
            hint: undefined,
          },
        ],
      },
    },
    async server => {
      const { json } = await server.call('GET', '/v1/rollout', { token: await server.admin('read') });
      assert.is(json.rollout, null);
      assert.is(json.reconcile.problems[0].code, 'unknown_build');
      assert.is((await server.call('GET', '/v1/builds', { token: await server.admin('read') })).status, 503);
    },
  ));

test('explain tells the decision, the bucket against the threshold, every step and the history', () =>
  withServer({ snapshot: aSnapshot(aState({ rollout: 10 })) }, async server => {
    const token = await server.admin('read', 'devices');
    const device = await server.enrol('kiosk-393');
    await server.call('GET', '/v1/agent/update?version_code=41&sdk=30', { token: device });
    await server.call('POST', '/v1/action-result', {
      token: device,
      json: {
        request_id: 'request-0001',
        build_id: 'b41',
        outcome: 'fail',
        reason: 'storage',
        version_code: 40,
        detail: 'no space',
      },
    });
    const held = (await server.call('GET', '/v1/devices/kiosk-393/explain', { token })).json;
    assert.equal(held.decision, { kind: 'hold', reason: 'outside_cohort' });
    assert.is(held.threshold, 1000);
    assert.ok(held.bucket >= held.threshold);
    assert.equal(
      held.steps.map((s: { step: string; finding: string }) => [s.step, s.finding]),
      [
        ['suspend', 'not suspended'],
        ['cohort', 'unexposed'],
        ['target', 'b41'],
        ['installed', 'b41'],
        ['decision', 'outside_cohort'],
      ],
    );
    assert.equal([held.reports[0].reason, held.reports[0].detail], ['storage', 'no space']);
    await server.enrol('kiosk-5');
    const exposed = (await server.call('GET', '/v1/devices/kiosk-5/explain', { token })).json;
    assert.equal([exposed.steps[1].finding, exposed.decision.eligible_by], ['exposed', 'rollout']);
    assert.ok(exposed.bucket < exposed.threshold);
    server.world.snapshot = aSnapshot(
      aState({ rollout: { canary: { tags: [], devices: ['kiosk-393'], cohorts: [] } } }),
    );
    const offered = (await server.call('GET', '/v1/devices/kiosk-393/explain', { token })).json;
    assert.equal(
      [offered.decision.kind, offered.decision.eligible_by, offered.canary],
      ['offer', 'canary', true],
    );
    const suspend = { reason: 'incident', sinceMs: NOW_MS - 1, untilMs: NOW_MS + 1000 };
    server.world.snapshot = aSnapshot(aState({ rollout: { suspend } }));
    const frozen = (await server.call('GET', '/v1/devices/kiosk-393/explain', { token })).json;
    assert.match(frozen.steps[0].why, /incident/);
    assert.is(frozen.decision.reason, 'suspended');
  }));

test('reconcile runs a pass and waits for it, or only asks for one', () =>
  withServer(
    { snapshot: full(), status: { appliedRevision: 'a'.repeat(40), sourceReadAtMs: NOW_MS - 5000 } },
    async server => {
      const token = await server.admin('reconcile');
      const waited = await server.call('POST', '/v1/reconcile', { token });
      assert.equal(
        [waited.status, waited.json.applied_revision, waited.json.source_age_s],
        [200, 'a'.repeat(40), 5],
      );
      assert.is((await server.call('POST', '/v1/reconcile', { token, json: { wait: false } })).status, 202);
      const rewrite = 'b'.repeat(40);
      await server.call('POST', '/v1/reconcile', { token, json: { accept_rewrite: rewrite, wait: false } });
      assert.equal(server.reconciles, [{ run: {} }, 'wake', { run: { acceptRewrite: rewrite } }]);
      assert.is(
        (await server.call('POST', '/v1/reconcile', { token, json: { accept_rewrite: 'HEAD' } })).status,
        400,
      );
      const { events } = (await server.call('GET', '/v1/events', { token: await server.admin('read') })).json;
      assert.equal([events[0].action, events[0].subject], ['reconcile.accept_rewrite', rewrite]);
    },
  ));

test('the webhook goes to its handler, wakes the loop, and is 503 when it is off', async () => {
  const headers = {
    'X-Hub-Signature-256': `sha256=${'ab'.repeat(32)}`,
    'X-GitHub-Delivery': 'd-1',
    'X-GitHub-Event': 'push',
  };
  const send = { json: { ref: 'refs/heads/main' }, headers };
  await withServer({ snapshot: full() }, async server => {
    assert.is((await server.call('POST', '/v1/webhooks/github', send)).json.code, 'webhook_off');
  });
  const seen: unknown[] = [];
  const webhook = async (delivery: { signature: string; body: Buffer; name: string; deliveryId: string }) => {
    seen.push([delivery.deliveryId, delivery.name, delivery.body.toString()]);
    return delivery.signature === headers['X-Hub-Signature-256']
      ? ('accepted' as const)
      : ('bad_signature' as const);
  };
  await withServer({ snapshot: full(), webhook, settings: { webhookMaxBytes: 1000 } }, async server => {
    assert.is((await server.call('POST', '/v1/webhooks/github', send)).status, 202);
    assert.equal(server.reconciles, ['wake']);
    const forged = await server.call('POST', '/v1/webhooks/github', {
      ...send,
      headers: { ...headers, 'X-Hub-Signature-256': `sha256=${'0'.repeat(64)}` },
    });
    assert.equal([forged.status, forged.json.code], [401, 'signature_invalid']);
    const large = await server.call('POST', '/v1/webhooks/github', { ...send, json: 'x'.repeat(2000) });
    assert.is(large.status, 413);
    assert.equal(seen, Array(2).fill(['d-1', 'push', '{"ref":"refs/heads/main"}']));
  });
});

test.run();
