/** Device acceptance 4, integrity failures: tamper the checksum or the signer, and the agent aborts, posts failure, never installs. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { poll } from '../support/agent/agent-process.ts';
import { withDevice } from '../support/agent/journey.ts';
import { fingerprintOf, makeApk, testKey } from '../support/apk/index.ts';
import { type Journey, withController } from '../support/controller.ts';
import { sha256Of } from '../support/http.ts';

/** What somebody in the middle makes of an answer's body. */
type Tamper = (target: string, body: Buffer) => Buffer;

const isUpdate = (target: string): boolean => target.startsWith('/v1/agent/update');
const isApk = (target: string): boolean => target.endsWith('/apk');

/** The same controller, reached through somebody who changes what passes. */
async function withTampering(
  journey: Journey,
  tamper: Tamper,
  run: (tampered: Journey) => Promise<void>,
): Promise<void> {
  const url = () => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const proxy = createServer((req: IncomingMessage, res: ServerResponse) => {
    const target = req.url ?? '/';
    const onward = request(
      new URL(target, journey.url),
      { method: req.method ?? 'GET', headers: req.headers },
      answer => {
        const chunks: Buffer[] = [];
        answer.on('data', chunk => chunks.push(chunk as Buffer));
        answer.on('end', () => {
          // The manifest names the host the agent knows, as it would behind a real interceptor.
          const text = isUpdate(target)
            ? Buffer.from(Buffer.concat(chunks).toString().replaceAll(journey.url, url()))
            : Buffer.concat(chunks);
          const body = text.length === 0 ? text : tamper(target, text);
          const { 'content-length': _, 'transfer-encoding': __, ...headers } = answer.headers;
          res
            .writeHead(answer.statusCode ?? 500, {
              ...headers,
              ...(body.length === 0 ? {} : { 'content-length': body.length }),
            })
            .end(body);
        });
      },
    );
    req.pipe(onward);
  });
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
  try {
    await run(Object.create(journey, { url: { value: url() } }) as Journey);
  } finally {
    proxy.closeAllConnections();
    await new Promise(resolve => proxy.close(resolve));
  }
}

const edit =
  (change: (manifest: Record<string, unknown>) => void): Tamper =>
  (target, body) => {
    if (!isUpdate(target)) return body;
    const manifest = JSON.parse(body.toString()) as Record<string, unknown>;
    change(manifest);
    return Buffer.from(JSON.stringify(manifest));
  };

const stranger = testKey('stranger');
const strange = makeApk({ versionCode: 42, key: stranger });

const TAMPERINGS: [string, Tamper, string][] = [
  [
    'the checksum in the manifest',
    edit(m => {
      m.sha256 = sha256Of(Buffer.from('another'));
    }),
    'sha256_mismatch',
  ],
  [
    'one bit of the APK',
    (target, body) => {
      if (isApk(target)) body[1000] = (body[1000] ?? 0) ^ 4;
      return body;
    },
    'sha256_mismatch',
  ],
  [
    'the signer in the manifest',
    edit(m => {
      m.signer_fingerprint = fingerprintOf(stranger);
    }),
    'signer_mismatch',
  ],
  [
    'everything: another signer’s APK, and a manifest that fits it in every field',
    (target, body) => {
      if (isApk(target)) return strange;
      return edit(m => {
        Object.assign(m, {
          sha256: sha256Of(strange),
          size_bytes: strange.length,
          signer_fingerprint: fingerprintOf(stranger),
        });
      })(target, body);
    },
    'signer_mismatch',
  ],
];

for (const [what, tamper, reason] of TAMPERINGS)
  test(`tampered: ${what}: it aborts, posts ${reason}, and never installs`, () =>
    withController(async journey => {
      await journey.merge(100);
      await withTampering(journey, tamper, tampered =>
        withDevice(tampered, 'kiosk-1', ['--once'], async ({ agent }) => {
          assert.is(await agent.exit(), 1);
          assert.not.ok(agent.lines.some(l => String(l.event).startsWith('ota.install')));
          const failure = agent.lines.find(l => l.event === 'ota.verify.fail');
          assert.is(failure?.reason, reason);
          const result = await poll('the failure in the controller’s log', () =>
            journey.log.find(l => l.event === 'ota.result'),
          );
          assert.equal([result.outcome, result.reason, result.version_code], ['fail', reason, 41]);
          assert.is(await journey.metric('ota_installs_total', { outcome: 'ok' }), 0);
          assert.is(await journey.metric('ota_verify_fail_total'), 1);
        }),
      );
    }));

test.run();
