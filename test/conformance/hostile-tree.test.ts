/** A tree made to keep the controller busy: the last good revision stays in force, and checks go on while it is judged. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withController } from '../support/controller.ts';
import { call } from '../support/http.ts';

/** How long the event loop was away at most, and how long `work` took. */
async function longestAbsence(work: () => Promise<unknown>): Promise<{ absentMs: number; tookMs: number }> {
  const startedMs = performance.now();
  let seenMs = startedMs;
  let absentMs = 0;
  const look = (): void => {
    absentMs = Math.max(absentMs, performance.now() - seenMs);
    seenMs = performance.now();
  };
  const timer = setInterval(look, 5);
  await work();
  look();
  clearInterval(timer);
  return { absentMs, tookMs: performance.now() - startedMs };
}

test('a hostile revision is refused while checks are served, and the last good one stays in force', () =>
  withController(async journey => {
    const applied = await journey.merge(100);
    const [device] = await journey.enrol(['kiosk-7']);
    const check = () =>
      call(journey.url, 'GET', '/v1/agent/update?version_code=41', { token: device?.token ?? '' });
    const cohort = (n: number) => ({ [`cohorts/c${n}.yaml`]: '"'.repeat(200_000) });
    await journey.repository.commit({ ...cohort(1), ...cohort(2) }, { atMs: Date.now() });
    const { absentMs, tookMs } = await longestAbsence(() => journey.controller.reconcile.run());
    assert.ok(absentMs < tookMs / 3, `away for ${absentMs} of ${tookMs} ms`);
    const { appliedRevision, problems } = journey.controller.reconcile.status();
    assert.is(appliedRevision, applied);
    assert.ok(problems.some(p => p.code === 'yaml_syntax'));
    assert.is((await check()).status, 200);
  }));

test.run();
