/** The document and the server are one: every route is documented, every documented route is served. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HOLD_REASONS } from '../../controller/domain/decision.ts';
import { RESULT_REASONS } from '../../controller/domain/outcome.ts';
import { BODY_SCHEMAS } from '../../controller/http/body-schemas.ts';
import { makeContract } from '../../controller/http/contract.ts';
import { PROBLEM_STATUS } from '../../controller/http/problem.ts';
import { ADMIN_SCOPES } from '../../controller/ports/index.ts';
import { apiTypes } from '../../scripts/api-types.ts';
import { withServer } from '../support/http.ts';
import { isProblem, openapi, operations, undocumented } from '../support/openapi.ts';

test('every route is documented, and every documented route is served', () =>
  withServer({}, async server => {
    const served = server.face.routes.map(
      route => `${route.method.toLowerCase()} ${route.path.replace(/:(\w+)/g, '{$1}')}`,
    );
    assert.equal(served.sort(), operations().sort());
    assert.is(new Set(served).size, served.length);
  }));

test('no documented route answers that it is unknown, and none is open that says it is not', () =>
  withServer({}, async server => {
    for (const operation of operations()) {
      const [method = '', template = ''] = operation.split(' ');
      const path = template.replace('{sha256}', 'a'.repeat(64)).replace(/\{\w+\}/g, 'b42');
      const answer = await server.call(method.toUpperCase(), path);
      const security = (openapi.paths[template]?.[method] as { security?: unknown } | undefined)?.security;
      if (security === undefined) assert.ok(![401, 403, 404, 405].includes(answer.status), operation);
      else assert.is(answer.status, 401, operation);
    }
  }));

test('every documented error status has a code, and every code a documented status', () => {
  const documented = new Set<string>();
  for (const item of Object.values(openapi.paths))
    for (const operation of Object.values(item))
      for (const [status, response] of Object.entries(operation.responses))
        if (isProblem(response)) documented.add(status);
  // Answered where no operation is: unknown methods and expectations.
  documented.add('405').add('417');
  assert.equal([...documented].sort(), [...new Set(Object.values(PROBLEM_STATUS).map(String))].sort());
});

test('the closed lists of the document are those of the code', () => {
  assert.equal(openapi.components.schemas.HoldReason?.enum, [...HOLD_REASONS]);
  assert.equal(openapi.components.schemas.AdminScope?.enum, [...ADMIN_SCOPES]);
  assert.equal(openapi.components.schemas.ProblemCode?.enum, Object.keys(PROBLEM_STATUS));
  assert.equal(openapi.components.schemas.ResultReason?.enum, [...RESULT_REASONS]);
});

test('each example is an answer that the document allows, and every JSON answer that is no problem has one', () => {
  for (const [path, item] of Object.entries(openapi.paths))
    for (const [method, { operationId, responses }] of Object.entries(item))
      for (const [status, response] of Object.entries(responses)) {
        const json = response.content?.['application/json'];
        if (json?.example === undefined) {
          assert.ok(json === undefined, `${operationId} ${status} has no example`);
          continue;
        }
        const body = Buffer.from(JSON.stringify(json.example));
        const answer = { status: Number(status), type: 'application/json', body };
        const asked = { method: method.toUpperCase(), path: path.replace(/\{\w+\}/g, 'b42') };
        assert.equal(undocumented(asked, answer), []);
      }
});

test('HEAD is declared wherever GET is, with the same statuses but for a redirect, which only GET gets', () => {
  for (const [path, item] of Object.entries(openapi.paths))
    if (item.get !== undefined || item.head !== undefined)
      assert.equal(
        Object.keys(item.head?.responses ?? {}).sort(),
        Object.keys(item.get?.responses ?? {})
          .filter(status => status !== '307')
          .sort(),
        path,
      );
});

test('HEAD of what an operator reads has the status and length of GET, and no body', () =>
  withServer({}, async server => {
    const token = await server.admin('read');
    await server.enrol('kiosk-7');
    for (const path of ['/v1/devices', '/v1/devices/kiosk-7', '/v1/rollout', '/v1/devices/nobody']) {
      const [got, head] = [
        await server.call('GET', path, { token }),
        await server.call('HEAD', path, { token }),
      ];
      assert.equal([head.status, head.body.length], [got.status, 0], path);
      assert.is(head.headers['content-length'], String(got.body.length), path);
    }
  }));

test('the types in schemas/api.d.ts are those of the document', async () => {
  const committed = readFileSync(new URL('../../schemas/api.d.ts', import.meta.url), 'utf8');
  assert.is(committed, await apiTypes(), 'run node --import tsx scripts/api-types.ts');
});

test('every request schema compiles and is closed', () => {
  const contract = makeContract();
  for (const name of BODY_SCHEMAS) assert.ok(contract.errors(name, { surprise: true }).length > 0, name);
});

test('an answer that is not as documented is caught', () => {
  const request = { method: 'GET', path: '/healthz' };
  const answer = (status: number, type: string, body: string) => ({ status, type, body: Buffer.from(body) });
  assert.equal(undocumented(request, answer(200, 'application/json', '{"status":"ok"}')), []);
  assert.is(undocumented(request, answer(200, 'application/json', '{"status":"fine"}')).length, 1);
  assert.is(undocumented(request, answer(200, 'application/json', '{"status":"ok","more":1}')).length, 1);
  assert.is(undocumented(request, answer(200, 'text/plain', 'ok')).length, 1);
  assert.is(undocumented(request, answer(503, 'application/json', '{}')).length, 1);
  const fine = { ...answer(200, 'application/json', '{"status":"ok"}'), headers: ['date', 'x-more'] };
  assert.equal(undocumented(request, fine), ['health 200 has an undocumented x-more']);
});

test('operator routes and agent routes can be on listeners of their own', () =>
  withServer({}, async server => {
    const on = (surface: string) => server.face.routes.filter(route => route.surface === surface);
    const [agent, operator, both] = [on('agent'), on('operator'), on('both')];
    assert.ok(
      agent.every(
        r => r.path.startsWith('/v1/agent/') || ['/v1/action-result', '/v1/webhooks/github'].includes(r.path),
      ),
    );
    assert.ok(
      operator.some(r => r.path === '/metrics') && operator.every(r => !r.path.startsWith('/v1/agent/')),
    );
    assert.equal(
      both.map(r => r.path),
      ['/healthz', '/readyz'],
    );
  }));

test.run();
