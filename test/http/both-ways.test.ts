/**
 * The update check is answered ahead of Koa and by Koa's own route: for every decision vector both must say the same,
 * in status, headers, body and events, and what the vector expects.
 */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeSnapshot, type Snapshot } from '../../controller/domain/decision.ts';
import { toBuild, toCohort, toRollout } from '../../controller/yaml/convert.ts';
import type { WireBuild, WireCohort, WireRollout } from '../../controller/yaml/wire.ts';
import { type Answer, eventually, type TestServer, withServer } from '../support/http.ts';
import { hexOf, servedProgress } from '../support/state.ts';

interface Case {
  readonly name: string;
  readonly rollout: WireRollout;
  readonly builds: readonly string[];
  readonly cohorts?: readonly WireCohort[];
  readonly device: {
    readonly device_id: string;
    readonly tags?: readonly string[];
    readonly version_code: number;
    readonly build_id?: string;
    readonly sdk?: number;
    readonly signer?: string;
  };
  readonly now: string;
  readonly introduced_at?: string;
  readonly missing_artifacts?: readonly string[];
  readonly expect: Readonly<Record<string, unknown>>;
}

const vectors = JSON.parse(
  readFileSync(new URL('../../schemas/vectors/decision.json', import.meta.url), 'utf8'),
) as { builds: Record<string, Partial<WireBuild>>; cases: Case[] };

function snapshotOf(given: Case): Snapshot {
  const builds = given.builds.map(name => {
    const facts = vectors.builds[name];
    const size = { package: 'com.nexmdm.agent', version_name: '1.0', size_bytes: 1000, sha256: hexOf(name) };
    return toBuild({ ...size, ...facts } as WireBuild);
  });
  const rollout = toRollout(given.rollout);
  const written = rollout.exposure.kind === 'ramp' ? rollout.exposure.ramp.startMs : undefined;
  const missing = builds.filter(b => given.missing_artifacts?.includes(b.buildId)).map(b => b.sha256);
  const state = {
    rollout,
    builds: new Map(builds.map(b => [b.buildId, b])),
    cohorts: new Map((given.cohorts ?? []).map(c => [c.name, toCohort(c)])),
    policy: undefined,
  };
  return makeSnapshot(state, {
    revision: 'f'.repeat(40),
    appliedAtMs: Date.parse(given.now),
    progress: servedProgress(
      rollout,
      written ?? Date.parse(given.introduced_at ?? given.now),
      Date.parse(given.now),
    ),
    missingArtifacts: new Set(missing),
  });
}

const queryOf = ({ device }: Case): string => {
  const query = new URLSearchParams({ version_code: String(device.version_code) });
  if (device.build_id !== undefined) query.set('build_id', device.build_id);
  if (device.sdk !== undefined) query.set('sdk', String(device.sdk));
  if (device.signer !== undefined) query.set('signer', device.signer);
  return query.toString();
};

function expected(answer: Answer, want: Case['expect'], name: string): void {
  if (want.decision === 'hold') {
    assert.is(answer.status, 204, name);
    assert.is(answer.headers['ota-decision'], want.reason, name);
    return;
  }
  assert.is(answer.status, 200, name);
  for (const [key, value] of Object.entries(want))
    if (key !== 'decision' && key !== 'download') assert.equal(answer.json[key], value, `${name}: ${key}`);
}

const seen = (answer: Answer) => {
  const { date: _date, ...headers } = answer.headers;
  return { status: answer.status, headers, body: answer.body.toString() };
};

/** Events of the two ways differ in nothing but the time they took. */
const told = (server: TestServer) =>
  server.events.splice(0).map(event => ('ms' in event ? { ...event, ms: 0 } : event));

async function withBoth(use: (fast: TestServer, koa: TestServer) => Promise<void>): Promise<void> {
  const settings = { checksPerMinute: 100_000, requestsPerMinute: 100_000, hstsMaxAgeS: 60 };
  await withServer({ settings }, fast =>
    withServer({ settings: { ...settings, fastCheck: false } }, koa => use(fast, koa)),
  );
}

async function ask(server: TestServer, path: string, token: string | undefined, headers = {}) {
  server.events.length = 0;
  const answer = seen(await server.call('GET', path, { token, headers }));
  await eventually(() => server.of('ota.http').length > 0);
  return { answer, events: told(server) };
}

test('every decision vector is answered as expected, and alike both ways', () =>
  withBoth(async (fast, koa) => {
    assert.ok(vectors.cases.length > 100);
    const ids = [...new Set(vectors.cases.map(c => c.device.device_id))];
    const tokens = new Map<string, string>();
    for (const server of [fast, koa]) {
      const json = ids.map(device_id => ({ device_id }));
      const imported = await server.call('POST', '/v1/devices/import', {
        token: await server.admin('devices'),
        json,
      });
      for (const device of imported.json.devices) tokens.set(device.device_id, device.token);
    }
    for (const given of vectors.cases) {
      const { device_id, tags = [] } = given.device;
      for (const server of [fast, koa]) {
        server.world.snapshot = snapshotOf(given);
        server.world.nowMs = Date.parse(given.now);
        await server.store.devices.setTags(device_id, tags);
      }
      const path = `/v1/agent/update?${queryOf(given)}`;
      const token = tokens.get(device_id);
      expected(await fast.call('GET', path, { token }), given.expect, given.name);
      for (const headers of [{}, { 'If-None-Match': '"none"', 'Ota-Request-Id': 'request-42' }]) {
        const ahead = await ask(fast, path, token, headers);
        assert.equal(ahead, await ask(koa, path, token, headers), given.name);
        assert.ok(ahead.events.length === 2, given.name);
      }
    }
  }));

test('refusals are alike both ways', () =>
  withBoth(async (fast, koa) => {
    const tokens = [await fast.enrol('kiosk-7'), await koa.enrol('kiosk-7')];
    assert.is(tokens[0], tokens[1]);
    const [token] = tokens;
    const requests: [string, string | undefined, Record<string, string>?][] = [
      ['/v1/agent/update?version_code=41', undefined],
      ['/v1/agent/update?version_code=41', 'v1.k1.kiosk-7.1.x'],
      ['/v1/agent/update?version_code=41', token],
      ['/v1/agent/update', token],
      ['/v1/agent/update?version_code=x', token],
      ['/v1/agent/update?version_code=41', token, { 'Ota-Request-Id': '<script>' }],
    ];
    const statuses: number[] = [];
    for (const [path, bearer, headers] of requests) {
      const ahead = await ask(fast, path, bearer, headers);
      assert.equal(ahead, await ask(koa, path, bearer, headers), `${path} ${bearer}`);
      statuses.push(ahead.answer.status);
    }
    assert.equal(statuses, [401, 401, 503, 400, 400, 400]);
  }));

test.run();
