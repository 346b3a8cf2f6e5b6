import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { truncate, writeFile } from 'node:fs/promises';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../../controller/domain/fault.ts';
import { type ApkBytes, makeOpenApk } from '../../../controller/http/agent/apk-bytes.ts';
import { sendPieces } from '../../../controller/http/agent/send-pieces.ts';
import type { Artifacts } from '../../../controller/ports/index.ts';
import { withFolder } from '../../support/folder.ts';

const SIZE = 5_000_003;
const NAME = 'a'.repeat(64);

function withApk(
  memoryApkBytes: number,
  use: (apk: ApkBytes, bytes: Buffer, file: string) => Promise<void>,
): Promise<void> {
  return withFolder(async folder => {
    const file = path.join(folder, 'app.apk');
    const bytes = randomBytes(SIZE);
    await writeFile(file, bytes);
    const artifacts = { path: async () => file } as Partial<Artifacts> as Artifacts;
    const apk = await makeOpenApk(artifacts, memoryApkBytes)({ sha256: NAME, sizeBytes: SIZE });
    assert.ok(apk !== undefined);
    await use(apk, bytes, file);
  });
}

async function gathered(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const piece of pieces) copies.push(Buffer.from(piece));
  return Buffer.concat(copies);
}

for (const [name, memory] of [
  ['disk', 0],
  ['memory', SIZE],
] as const)
  test(`any stretch of an APK from ${name} is those very bytes`, () =>
    withApk(memory, async (apk, bytes) => {
      assert.is(apk.sizeBytes, SIZE);
      for (const [start, end] of [
        [0, SIZE - 1],
        [0, 0],
        [SIZE - 1, SIZE - 1],
        [524_287, 524_288],
        [1, 1_048_577],
        [3_000_000, SIZE - 1],
      ] as const)
        assert.ok((await gathered(apk.pieces(start, end))).equals(bytes.subarray(start, end + 1)));
    }));

test('a receiver that takes its time gets the right bytes from a buffer that is filled again', () =>
  withApk(0, async (apk, bytes) => {
    const server = createServer((_req, res) => {
      res.writeHead(200, { 'content-length': String(SIZE) });
      sendPieces(res, apk.pieces(0, SIZE - 1), { stallMs: 10_000, allowed: () => true }).catch(() =>
        res.destroy(),
      );
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const res = await new Promise<IncomingMessage>((resolve, reject) => {
        get({ port, host: '127.0.0.1', agent: false }, resolve).on('error', reject);
      });
      const hash = createHash('sha256');
      for await (const chunk of res) {
        hash.update(chunk as Buffer);
        // The sender runs into a full socket again and again.
        for (let i = 0; i < 20; i += 1) await turn();
      }
      assert.is(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
    } finally {
      server.close();
    }
  }));

test('a slow receiver does not count as stalled while it keeps reading', async () => {
  const res = Object.assign(new EventEmitter(), {
    destroyed: false,
    closed: false,
    writableFinished: false,
    write: () => false,
    end: () => undefined,
    destroy: () => undefined,
    setTimeout: (ms: number) => void waited.push(ms),
  });
  const waited: number[] = [];
  const one = async function* () {
    yield Buffer.alloc(10);
  };
  const options = { stallMs: 20, allowed: () => true };
  const sending = sendPieces(res as unknown as ServerResponse, one(), options);
  // Longer than stallMs: only the socket knows whether bytes have left meanwhile.
  await new Promise(resolve => setTimeout(resolve, 60));
  res.emit('drain');
  setImmediate(() => res.emit('finish'));
  assert.equal(await sending, { ending: 'sent', bytes: 10 });
  assert.equal(waited, [20]);
  const stalling = sendPieces(res as unknown as ServerResponse, one(), options);
  setImmediate(() => res.emit('timeout'));
  assert.equal(await stalling, { ending: 'stalled', bytes: 0 });
});

test('an APK that is truncated while it is sent is a fault, never a short body that looks complete', () =>
  withApk(0, async (apk, _bytes, file) => {
    await truncate(file, 1_000_000);
    try {
      await gathered(apk.pieces(0, SIZE - 1));
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof Fault);
      assert.is(error.code, 'artifact_truncated');
    }
  }));

test.run();
