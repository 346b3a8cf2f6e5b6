import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  HEALTH_PARTS,
  HEALTH_STATES,
  type HealthFacts,
  healthOf,
  worstOf,
} from '../../controller/domain/health/index.ts';
import { openapi } from '../support/openapi.ts';
import { DAY_MS, HOUR_MS, NOW_MS } from '../support/state.ts';

const GB = 1e9;

const well: HealthFacts = {
  nowMs: NOW_MS,
  clockHeld: false,
  source: { readAtMs: NOW_MS, fault: undefined, intervalMs: 30_000, refused: false, applied: true },
  missingArtifacts: [],
  keys: { own: [{ kid: 'k2', devices: 5 }], orphaned: 0 },
  adminExpiresAtMs: NOW_MS + 100 * DAY_MS,
  certificateExpiresAtMs: NOW_MS + 60 * DAY_MS,
  disk: { freeBytes: 50 * GB, totalBytes: 100 * GB, artifactBytes: GB, artifactQuotaBytes: 20 * GB },
  objectStore: { kind: 'fine', text: 'the bucket answers and is ours' },
  push: { kind: 'fine', text: 'FCM takes our credentials' },
  github: { kind: 'fine', text: 'speaks as ota[bot]', missing: [] },
  webhook: { isSet: true, takenAtMs: NOW_MS - HOUR_MS, refusedAtMs: undefined },
  signIn: { kind: 'fine', text: 'people sign in with login.example, which answers' },
  replicas: [
    { host: 'ota-1', version: '1.0.0', role: 'leads', agoMs: 900, clockOffMs: 0 },
    { host: 'ota-2', version: '1.0.0', role: 'follows', agoMs: 400, clockOffMs: 0 },
  ],
};

const of = (more: Partial<HealthFacts>, part: string) => {
  const found = healthOf({ ...well, ...more }).find(c => c.part === part);
  if (found === undefined) throw new Error(`no check of ${part}`);
  return found;
};

test('where all is well every part is fine and nothing has to be done', () => {
  const checks = healthOf(well);
  assert.equal(
    checks.map(c => c.part),
    [...HEALTH_PARTS],
  );
  for (const { part, state, cure } of checks) assert.equal([part, state, cure], [part, 'fine', undefined]);
  assert.is(worstOf(checks), 'fine');
});

const cases: [string, Partial<HealthFacts>, string, RegExp, RegExp][] = [
  ['clock', { clockHeld: true }, 'failing', /cannot be trusted/, /ota clock confirm/],
  [
    'source',
    { source: { ...well.source, fault: 'source_unreachable' } },
    'failing',
    /\[source_unreachable\]; the last good/,
    /OTA_SOURCE/,
  ],
  [
    'source',
    { source: { ...well.source, fault: 'git_missing', applied: false } },
    'failing',
    /nothing is applied/,
    /OTA_SOURCE/,
  ],
  ['source', { source: { ...well.source, readAtMs: undefined } }, 'warning', /not read yet/, /ota reconcile/],
  [
    'source',
    { source: { ...well.source, readAtMs: NOW_MS - 6 * 60_000 } },
    'failing',
    /read last at/,
    /restart/,
  ],
  ['source', { source: { ...well.source, refused: true } }, 'warning', /refused/, /ota status/],
  ['artifacts', { missingArtifacts: ['b42'] }, 'failing', /APK of b42/, /ota build add/],
  ['keys', { keys: { own: well.keys.own, orphaned: 3 } }, 'failing', /3 devices/, /OTA_TOKEN_KEY_PREVIOUS/],
  [
    'keys',
    {
      keys: {
        own: [
          { kid: 'k2', devices: 5 },
          { kid: 'k1', devices: 0 },
        ],
        orphaned: 0,
      },
    },
    'warning',
    /no device uses key k1/,
    /unset/,
  ],
  ['operators', { adminExpiresAtMs: undefined }, 'failing', /no token/, /restart/],
  ['operators', { adminExpiresAtMs: NOW_MS + DAY_MS }, 'warning', /expires at/, /token create/],
  ['certificate', { certificateExpiresAtMs: NOW_MS - 1 }, 'failing', /expired/, /OTA_TLS_CERT/],
  ['certificate', { certificateExpiresAtMs: NOW_MS + 13 * DAY_MS }, 'warning', /expires/, /OTA_TLS_CERT/],
  [
    'disk',
    { disk: { ...well.disk, freeBytes: GB } },
    'failing',
    /1\.0 GB of 100\.0 GB free/,
    /artifact list/,
  ],
  ['disk', { disk: { ...well.disk, freeBytes: 9 * GB } }, 'warning', /9\.0 GB/, /free space/],
  ['disk', { disk: { ...well.disk, artifactBytes: 19 * GB } }, 'warning', /19\.0 GB of 20\.0 GB/, /QUOTA/],
  [
    'object_store',
    { objectStore: { kind: 'failed', code: 'object_store_unreachable', text: 'it cannot be reached' } },
    'failing',
    /cannot be reached \[object_store_unreachable\]/,
    /served from copies/,
  ],
  [
    'push',
    { push: { kind: 'failed', code: 'invalid_credential', text: 'FCM refuses' } },
    'failing',
    /\[invalid_credential\]/,
    /new key/,
  ],
  [
    'push',
    { push: { kind: 'failed', code: 'whatever', text: 'FCM refuses' } },
    'failing',
    /\[whatever\]/,
    /enable/,
  ],
  [
    'github',
    { github: { kind: 'failed', code: 'github_unauthorized', text: '401' } },
    'failing',
    /401/,
    /new one/,
  ],
  [
    'github',
    { github: { kind: 'fine', text: 'speaks as x', missing: ['deployments: write'] } },
    'failing',
    /without deployments: write/,
    /docs\/github\.md/,
  ],
  [
    'webhook',
    { webhook: { isSet: true, takenAtMs: undefined, refusedAtMs: undefined } },
    'warning',
    /no delivery/,
    /\/v1\/webhooks\/github/,
  ],
  [
    'webhook',
    { webhook: { isSet: true, takenAtMs: NOW_MS - 2, refusedAtMs: NOW_MS - 1 } },
    'failing',
    /wrong signature/,
    /must be the same/,
  ],
  [
    'sign_in',
    { signIn: { kind: 'failed', code: 'provider_unreachable', text: 'login.example does not answer' } },
    'failing',
    /does not answer \[provider_unreachable\]/,
    /with an operator’s token/,
  ],
  [
    'sign_in',
    { signIn: { kind: 'failed', code: 'provider_invalid', text: 'no valid metadata' } },
    'failing',
    /no valid metadata/,
    /exactly as/,
  ],
  [
    'replicas',
    {
      replicas: [
        { host: 'ota-1', version: '1.0.0', role: 'leads', agoMs: 900, clockOffMs: 0 },
        { host: 'ota-2', version: '1.0.0', role: 'follows', agoMs: 5 * 60_000 + 1_234, clockOffMs: 0 },
      ],
    },
    'warning',
    /^1 controller: ota-1 \(1\.0\.0\) leads; no other one could take over; ota-2 was last seen 5m ago$/,
    /start it again/,
  ],
  [
    'replicas',
    {
      replicas: [
        { host: 'ota-1', version: '1.0.0', role: 'leads', agoMs: 900, clockOffMs: 0 },
        { host: 'ota-2', version: '1.1.0', role: 'follows', agoMs: 400, clockOffMs: 0 },
      ],
    },
    'warning',
    /^2 controllers: ota-1 \(1\.0\.0\) leads, ota-2 \(1\.1\.0\) follows$/,
    /newer version/,
  ],
  [
    'replicas',
    {
      replicas: [
        { host: 'ota-1', version: '1.0.0', role: 'leads', agoMs: 900, clockOffMs: -40 },
        { host: 'ota-2', version: '1.0.0', role: 'follows', agoMs: 400, clockOffMs: 600_000 },
      ],
    },
    'warning',
    /the clock of ota-2 is 10m ahead of the database's$/,
    /NTP/,
  ],
];

for (const [part, more, state, text, cure] of cases)
  test(`${part} ${state}: ${text.source}`, () => {
    const found = of(more, part);
    assert.is(found.state, state);
    assert.match(found.text, text);
    assert.match(found.cure ?? '', cure);
    assert.is(worstOf(healthOf({ ...well, ...more })), state);
  });

test('what is not set up is off, and that is no warning', () => {
  const bare = healthOf({
    ...well,
    certificateExpiresAtMs: undefined,
    objectStore: { kind: 'off' },
    push: { kind: 'off' },
    github: { kind: 'off' },
    webhook: { isSet: false, takenAtMs: undefined, refusedAtMs: undefined },
    replicas: undefined,
  });
  assert.equal(
    bare.filter(c => c.state === 'off').map(c => c.part),
    ['certificate', 'object_store', 'push', 'github', 'webhook', 'replicas'],
  );
  assert.is(worstOf(bare), 'fine');
  assert.is(
    bare.find(c => c.part === 'webhook')?.cure,
    undefined,
    'without GitHub there is nothing to hear of',
  );
});

test('a controller that leads alone is fine, and the text says that nobody would take over', () => {
  const replicas = [{ host: 'ota-1', version: '1.0.0', role: 'leads', agoMs: 900, clockOffMs: 0 }] as const;
  const { state, text } = of({ replicas }, 'replicas');
  assert.equal([state, text], ['fine', '1 controller: ota-1 (1.0.0) leads; no other one could take over']);
});

test('a good delivery after a wrong one ends the alarm', () => {
  const webhook = { isSet: true, takenAtMs: NOW_MS, refusedAtMs: NOW_MS - 1 };
  assert.is(of({ webhook }, 'webhook').state, 'fine');
});

test('a rotation under way names how many devices are still to come', () => {
  const own = [
    { kid: 'k2', devices: 5 },
    { kid: 'k1', devices: 1 },
  ];
  assert.match(
    of({ keys: { own, orphaned: 0 } }, 'keys').text,
    /^key k2 signs; tokens of k1 still in use: 1 device$/,
  );
});

test('the parts and states of the document are those of the code', () => {
  const { properties } = openapi.components.schemas.HealthCheck as {
    properties: { part: { enum: string[] }; state: { enum: string[] } };
  };
  assert.equal(properties.part.enum, [...HEALTH_PARTS]);
  assert.equal(properties.state.enum, [...HEALTH_STATES]);
});

test.run();
