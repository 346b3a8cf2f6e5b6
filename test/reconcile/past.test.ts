/** What is said of a moment that is over: what is known of it, and a sentence for each thing that is not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import type { DesiredState } from '../../controller/domain/release.ts';
import type { Applied, DeviceRow, Past, PastStore, SourceTree } from '../../controller/ports/index.ts';
import { makePast } from '../../controller/reconcile/past.ts';
import { aRamp, aState, HOUR_MS, NOW_MS } from '../support/state.ts';

const THEN_MS = NOW_MS - HOUR_MS;
const BEFORE_MS = THEN_MS - HOUR_MS;
const ramp = aState({ rollout: { exposure: aRamp(undefined, [1, 4], [10, 24], [100]) } });

const device: DeviceRow = {
  deviceId: 'd-1',
  tags: [],
  generation: 1,
  enrolledAtMs: 0,
  revokedAtMs: undefined,
  lastSeenMs: undefined,
  versionCode: undefined,
  buildId: undefined,
  sdk: 30,
  signer: undefined,
  hasPushToken: false,
};

interface Stored extends Partial<PastStore> {
  readonly state?: DesiredState | Fault | undefined;
  readonly applies?: Applied;
}

/** Everything is known unless the test says otherwise. */
function askOf(stored: Stored) {
  const rows: PastStore = {
    applied: async () => ({ revision: 'r1', appliedAtMs: BEFORE_MS }),
    step: async () => undefined,
    halts: async () => [],
    tags: async () => ['lab'],
    reported: async () => ({ versionCode: 41, atMs: BEFORE_MS }),
    bounds: async () => ({ tagsSinceMs: 0, prunedBeforeMs: 0 }),
    ...stored,
  };
  const past = makePast({
    source: {
      read: async revision => {
        if (stored.state instanceof Fault) throw stored.state;
        return { revision, committedAtMs: 0, treeHash: 't', files: [] } as SourceTree;
      },
    },
    parse: () => ({ state: stored.state instanceof Fault ? undefined : stored.state, problems: [] }),
    desired: { applied: async () => stored.applies },
    past: rows,
  });
  return (row: Partial<DeviceRow> = {}): Promise<Past> => past.at({ ...device, ...row }, THEN_MS);
}

const ALWAYS = 'whether the APKs were stored then: they are taken as stored';

test('if everything was recorded, one possible world is left, and only the APKs are assumed to be there', async () => {
  const found = await askOf({ state: aState({ rollout: 10 }) })();
  assert.equal([found.revision, found.appliedAtMs], ['r1', BEFORE_MS]);
  assert.is(found.worlds.length, 1);
  assert.is(found.worlds[0]?.snapshot.rollout.current, 'b42');
  assert.equal(found.installed, { versionCode: 41, atMs: BEFORE_MS });
  assert.equal(found.notKnown, [ALWAYS]);
});

test('files that cannot be read leave no world, and the answer says which revision and why', async () => {
  const gone = new Fault('revision_unknown', 'Git has no such commit\nfatal: bad object', { retry: 'never' });
  for (const [state, why] of [
    [gone, 'Git has no such commit'],
    [undefined, 'this version does not accept its files'],
  ] as const) {
    const found = await askOf({ state })();
    assert.equal([found.revision, found.appliedAtMs, found.worlds], ['r1', BEFORE_MS, []]);
    assert.equal(found.notKnown, [`what revision r1 said: ${why}`, ALWAYS]);
  }
  const none = await askOf({ applied: async () => undefined })();
  assert.equal([none.revision, none.worlds], [undefined, []]);
  assert.match(none.notKnown[0] ?? '', /^which revision was in force: no row/);
});

test('the step of a ramp is reported as unknown only if there is a ramp without a row', async () => {
  const steps = async (stored: Stored): Promise<readonly string[]> => (await askOf(stored)()).notKnown;
  assert.equal(await steps({ state: ramp }), [
    'how far the ramp had come: no row tells of a step by then',
    ALWAYS,
  ]);
  assert.equal(
    await steps({ state: ramp, step: async () => ({ step: 1, verdict: undefined }) }),
    [ALWAYS],
    'a row tells of it',
  );
  const removed = await steps({
    state: ramp,
    step: async () => ({ step: 1, verdict: undefined }),
    bounds: async () => ({ tagsSinceMs: 0, prunedBeforeMs: NOW_MS }),
  });
  assert.match(removed[0] ?? '', /verdicts from before .* were removed by retention$/);
});

test('the revision that stands since before that moment needs no row and no Git', async () => {
  const applies: Applied = {
    revision: 'stands',
    treeHash: 't',
    appliedAtMs: THEN_MS,
    state: aState({ rollout: 10 }),
    progress: undefined,
    formerBuilds: new Map(),
  };
  const state = new Fault('source_unreachable', 'down', { retry: 'backoff' });
  assert.is((await askOf({ applies, state })()).revision, 'stands');
  const later = await askOf({ applies: { ...applies, appliedAtMs: THEN_MS + 1 }, state })();
  assert.equal([later.revision, later.notKnown[0]], ['r1', 'what revision r1 said: down']);
});

test('a check-in by then tells the version; without it a report does, and without both it is not known', async () => {
  const state = aState({ rollout: 10 });
  const seen = await askOf({ state })({ lastSeenMs: THEN_MS, versionCode: 42 });
  assert.equal(seen.installed, { versionCode: 42, atMs: THEN_MS });
  const later = await askOf({ state })({ lastSeenMs: THEN_MS + 1, versionCode: 42 });
  assert.equal(later.installed, { versionCode: 41, atMs: BEFORE_MS });
  assert.match(later.notKnown[0] ?? '', /^its Android version and signer then/);
  const none = await askOf({ state, reported: async () => undefined, tags: async () => undefined })();
  assert.match(none.notKnown[0] ?? '', /^which tags the device had: changes are kept since /);
  assert.match(none.notKnown[1] ?? '', /^which version the device ran: /);
  assert.is(none.notKnown.length, 3);
});

test.run();
