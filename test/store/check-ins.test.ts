import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeCheckIns } from '../../controller/store/check-ins.ts';

const said = (deviceId: string) => ({
  deviceId,
  atMs: 1,
  versionCode: 41,
  buildId: undefined,
  sdk: undefined,
  signer: undefined,
});

test('a row that could not be written waits again, unless its device was erased or has checked in since', async () => {
  let fail: (error: Error) => void = () => assert.unreachable('nothing was written');
  const db = {
    write: () =>
      new Promise<never>((_, reject) => {
        fail = reject;
      }),
  };
  const checkIns = makeCheckIns({ db, onFault: () => assert.unreachable(), flushAt: 100 });
  for (const deviceId of ['kept', 'erased', 'newer']) checkIns.record(said(deviceId));
  const flushed = checkIns.flush().then(
    () => assert.unreachable('the write failed'),
    (error: Error) => error.message,
  );
  checkIns.forget('erased');
  checkIns.record({ ...said('newer'), atMs: 2 });
  fail(new Error('the disk is full'));
  assert.is(await flushed, 'the disk is full');
  assert.is(checkIns.pending('kept')?.atMs, 1);
  assert.is(checkIns.pending('erased'), undefined);
  assert.is(checkIns.pending('newer')?.atMs, 2);
});

test.run();
