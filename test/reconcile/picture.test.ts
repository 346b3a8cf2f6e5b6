import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Halt } from '../../controller/domain/halt.ts';
import type { Sha256 } from '../../controller/domain/ids.ts';
import type { Applied } from '../../controller/ports/index.ts';
import { keepPicture } from '../../controller/reconcile/picture.ts';
import { makePublication } from '../../controller/reconcile/publication.ts';
import { until } from '../support/folder.ts';
import { aBuild, aSnapshot, aState, NOW_MS } from '../support/state.ts';

/** A picture that stands; each question about stored APKs is answered by the test. */
function scene() {
  const publication = makePublication();
  const snapshot = aSnapshot();
  publication.publish(snapshot);
  const asked: ((gone: readonly Sha256[]) => void)[] = [];
  const picture = keepPicture({
    missing: () => new Promise(resolve => asked.push(gone => resolve(new Set(gone)))),
    publication,
    clock: { nowMs: () => NOW_MS },
    observe: () => undefined,
  });
  return { publication, snapshot, picture, asked };
}

/** Nothing is in force yet, and no APK is missing. */
function emptyScene() {
  const publication = makePublication();
  const picture = keepPicture({
    missing: async () => new Set(),
    publication,
    clock: { nowMs: () => NOW_MS },
    observe: () => undefined,
  });
  return { publication, picture };
}

/** Lets what is ready run. */
const ready = () => new Promise(resolve => setImmediate(resolve));

test('an APK store that does not answer does not delay a brake', async () => {
  const { publication, snapshot, picture, asked } = scene();
  const looked = picture.recheck();
  await ready();
  assert.is(asked.length, 1);
  const halted = { ...snapshot, rollout: snapshot.rollout };
  let pressed = false;
  await Promise.race([
    publication.inTurn(() => {
      publication.publish(halted);
      pressed = true;
    }),
    ready().then(ready),
  ]);
  assert.ok(pressed, 'the turn of the brake came while the store was silent');
  const { sha256 } = snapshot.current;
  asked[0]?.([sha256]);
  await looked;
  assert.equal([...(publication.snapshot?.missingArtifacts ?? [])], [sha256]);
  assert.is(publication.snapshot?.rollout, halted.rollout, 'and what came meanwhile stands');
});

test('an answer about an older revision is not used for the newer one, which is checked again', async () => {
  const { publication, snapshot, picture, asked } = scene();
  const looked = picture.recheck();
  await ready();
  const newer = aSnapshot();
  publication.publish(newer);
  asked[0]?.([snapshot.current.sha256]);
  await ready();
  assert.equal([publication.snapshot, asked.length], [newer, 2]);
  asked[1]?.([]);
  await looked;
  assert.is(publication.snapshot?.missingArtifacts.size, 0);
});

const HALT: Halt = {
  id: 7,
  buildId: 'b43',
  kind: 'hand',
  mode: 'halt',
  atMs: NOW_MS,
  by: 'admin:a',
  reason: 'it burns',
  declared: false,
};

test('a revision and a halt of another controller are published before the APK store has answered', async () => {
  const { publication, picture, asked } = scene();
  let stored: Applied = {
    revision: 'r9',
    treeHash: 't9',
    appliedAtMs: NOW_MS,
    state: aState({ builds: [aBuild(42), aBuild(43)], rollout: { current: 'b43', lastSafe: 'b42' } }),
    progress: undefined,
    formerBuilds: new Map(),
  };
  const missing = () => [...(publication.snapshot?.missingArtifacts ?? [])];
  void picture.follow(async () => stored);
  await until('it is shown', async () => publication.snapshot?.revision === 'r9');
  assert.equal(missing(), [aBuild(43).sha256], 'what it did not know before is not offered yet');
  stored = { ...stored, halts: [HALT] };
  await picture.follow(async () => stored);
  assert.equal(publication.snapshot?.halts, [HALT]);
  await until('it asks again', async () => asked.length === 2);
  asked[1]?.([]);
  await until('it is offered', async () => missing().length === 0);
  assert.equal(publication.snapshot?.halts, [HALT]);
});

test('an APK that was missing stays so while the store does not answer about a newer revision, and a stored one does not', async () => {
  const { publication, picture, asked } = scene();
  const state = aState({ builds: [aBuild(41), aBuild(42)], rollout: { current: 'b42', lastSafe: 'b41' } });
  publication.publish(aSnapshot(state, { missingArtifacts: new Set([aBuild(42).sha256]) }));
  void picture.follow(async () => applied('r9', { state }));
  await until('it is shown', async () => publication.snapshot?.revision === 'r9');
  assert.equal([...(publication.snapshot?.missingArtifacts ?? [])], [aBuild(42).sha256]);
  await until('it asks again', async () => asked.length === 2);
  asked[1]?.([]);
  await until('it is offered', async () => publication.snapshot?.missingArtifacts.size === 0);
});

const halt: Halt = {
  id: 7,
  buildId: 'b42',
  kind: 'hand',
  mode: 'halt',
  atMs: NOW_MS,
  by: 'admin:ops',
  reason: 'crashes',
  declared: false,
};
const applied = (revision: string, over: Partial<Applied> = {}): Applied => ({
  revision,
  treeHash: 't',
  appliedAtMs: NOW_MS,
  state: aState({ rollout: 50 }),
  progress: undefined,
  formerBuilds: new Map(),
  ...over,
});

test('a halt of the standing revision, seen in the shared store, is published without asking for APKs', async () => {
  const { publication, snapshot, picture, asked } = scene();
  publication.publish({ ...snapshot, missingArtifacts: new Set([snapshot.current.sha256]) });
  await picture.follow(async () => applied(snapshot.revision, { halts: [halt] }));
  assert.is(asked.length, 0);
  assert.equal(publication.snapshot?.halts, [halt]);
  assert.is(publication.snapshot?.rollout, snapshot.rollout, 'all else stands');
  assert.equal([...(publication.snapshot?.missingArtifacts ?? [])], [snapshot.current.sha256]);
});

test('a follower of a store without a revision publishes nothing until there is one', async () => {
  const { publication, picture } = emptyScene();
  await picture.follow(async () => undefined);
  assert.is(publication.snapshot, undefined);
  await picture.follow(async () => applied('first'));
  assert.is(publication.snapshot?.revision, 'first');
});

test('halts that another controller committed are published once, and only if they differ', async () => {
  const { publication, picture } = scene();
  let told = 0;
  publication.subscribe(() => told++);
  const of: string[] = [];
  const standing = async (buildId: string) => {
    of.push(buildId);
    return [halt];
  };
  await picture.refreshHalts(standing);
  await picture.refreshHalts(standing);
  assert.equal([of, told, publication.snapshot?.halts], [['b42', 'b42'], 1, [halt]]);
});

test('without a snapshot a refresh of halts publishes nothing', async () => {
  const { publication, picture } = emptyScene();
  await picture.refreshHalts(async () => [halt]);
  assert.is(publication.snapshot, undefined);
});

test.run();
