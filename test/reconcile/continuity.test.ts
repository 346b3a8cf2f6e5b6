/** Did the rollout stand unbroken between what is applied and a new head? Versions in memory, newest first. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import type { Rollout } from '../../controller/domain/release.ts';
import type { Applied, KeyValueStore } from '../../controller/ports/index.ts';
import { makeContinuity } from '../../controller/reconcile/continuity.ts';
import { aRamp, aRollout, aState, NOW_MS } from '../support/state.ts';

const ramp = aRollout({ exposure: aRamp(NOW_MS, [1, 4], [10, 24], [100]) });
const edited: Rollout = { ...ramp, wifiOnly: false };
const other = aRollout({ ...ramp, current: 'b41', lastSafe: 'b40' });

const applied = (rollout: Rollout): Applied => ({
  revision: 'applied',
  treeHash: 't',
  appliedAtMs: NOW_MS,
  state: aState({ rollout }),
  progress: undefined,
  formerBuilds: new Map(),
});

type Versions = readonly (readonly [revision: string, rollout: Rollout | undefined])[];

function withVersions(versions: Versions | Error) {
  const asked: string[] = [];
  const kept = new Map<string, string>();
  let writes = 0;
  const values: Pick<KeyValueStore, 'get' | 'set'> = {
    get: async key => kept.get(key),
    set: async (key, value) => {
      await Promise.resolve();
      writes++;
      kept.set(key, value);
    },
  };
  const texts = new Map<string, Rollout | undefined>();
  const continuity = makeContinuity({
    source: {
      async *rolloutHistory(revision, since) {
        asked.push(`${revision} since ${since}`);
        if (versions instanceof Error) throw versions;
        for (const [name, rollout] of versions) {
          texts.set(name, rollout);
          yield { revision: name, committedAtMs: NOW_MS, content: Buffer.from(name) };
        }
      },
    },
    values: values as KeyValueStore,
    parseRollout: ({ content }) => texts.get(content.toString()),
  });
  return { continuity, asked, kept, writes: () => writes };
}

const broken = (versions: Versions | Error, stood = ramp): Promise<boolean> =>
  withVersions(versions).continuity.broken('head', applied(stood));

test('a plain percent has no ramp that could break, and no history is read for it', async () => {
  const { continuity, asked } = withVersions([['r1', other]]);
  assert.is(await continuity.broken('head', applied(aRollout(10))), false);
  await continuity.rejected('head', applied(aRollout(10)));
  await continuity.rejected('head', undefined);
  assert.equal(asked, []);
});

test('a ramp that is edited and goes on is unbroken', async () => {
  assert.is(await broken([]), false);
  assert.is(await broken([['r1', edited]]), false);
  assert.is(
    await broken([
      ['r2', ramp],
      ['r1', edited],
    ]),
    false,
  );
});

test('another rollout in between breaks it, wherever it stood, also when the head looks the same again', async () => {
  for (const between of [other, { ...ramp, rollback: true }, aRollout(10)]) {
    const found = await broken([
      ['r3', ramp],
      ['r2', between],
      ['r1', edited],
    ]);
    assert.is(found, true, JSON.stringify(between.exposure));
    const longAgo = await broken([
      ['r4', ramp],
      ['r3', ramp],
      ['r2', between],
      ['r1', edited],
    ]);
    assert.is(longAgo, true, 'several versions after it look the same again');
  }
});

test('the head alone is judged by the two ends: what it changes itself is no break', async () => {
  assert.is(await broken([['r1', other]]), false);
  const behind = await broken([
    ['r2', { ...ramp, exposure: aRamp(NOW_MS + 1, [1, 4], [100]) }],
    ['r1', edited],
  ]);
  assert.is(behind, true, 'it does not continue the version before it');
});

test('a version that does not parse was never applied, and neither was one that was rejected', async () => {
  assert.is(
    await broken([
      ['r3', ramp],
      ['r2', undefined],
      ['r1', edited],
    ]),
    false,
  );
  const badHead = await broken([
    ['r2', undefined],
    ['r1', edited],
  ]);
  assert.is(badHead, false, 'also as the head');
  const versions: [string, Rollout][] = [['r2', other]];
  const { continuity, kept, writes } = withVersions(versions);
  await continuity.rejected('r2', applied(ramp));
  assert.equal([...kept.values()], ['["r2"]']);
  await continuity.rejected('r2', applied(ramp));
  assert.is(writes(), 1, 'once is enough');
  versions.unshift(['r3', ramp]);
  assert.is(await continuity.broken('r3', applied(ramp)), false);
});

test('nothing is remembered where no version of the rollout came since', async () => {
  const { continuity, kept } = withVersions([]);
  await continuity.rejected('head', applied(ramp));
  assert.is(kept.size, 0);
});

test('at most 100 rejected versions are remembered, the newest', async () => {
  const versions: [string, Rollout][] = [];
  const { continuity, kept } = withVersions(versions);
  for (let n = 0; n < 105; n++) {
    versions.unshift([`r${n}`, other]);
    await continuity.rejected(`r${n}`, applied(ramp));
  }
  const names = JSON.parse([...kept.values()][0] ?? '[]') as string[];
  assert.equal([names.length, names[0], names.at(-1)], [100, 'r5', 'r104']);
});

test('a history that cannot be had, or is too long to look through, counts as broken', async () => {
  const gone = new Fault('revision_unknown', 'gone', { retry: 'never' });
  assert.is(await broken(gone), true);
  const many = (n: number): Versions => Array.from({ length: n }, (_, i) => [`r${i}`, ramp] as const);
  assert.is(await broken(many(200)), false);
  assert.is(await broken(many(201)), true);
  const lost = withVersions(gone);
  await lost.continuity.rejected('head', applied(ramp));
  assert.is(lost.kept.size, 0, 'and nothing is remembered of it');
  try {
    await broken(new Fault('source_unreachable', 'down', { retry: 'backoff' }));
    assert.unreachable();
  } catch (error) {
    assert.is((error as Fault).code, 'source_unreachable', 'any other failure is told');
  }
});

test('the history is asked from the head back to what is applied', async () => {
  const { continuity, asked } = withVersions([]);
  await continuity.broken('head', applied(ramp));
  assert.equal(asked, ['head since applied']);
});

test.run();
