/** One pass after another on a real store, with a source in memory: what is kept, published and told. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Event } from '../../controller/domain/event.ts';
import { Fault } from '../../controller/domain/fault.ts';
import type { Sha256 } from '../../controller/domain/ids.ts';
import type { Reconciled } from '../../controller/domain/judging/reconciled.ts';
import type { Finding } from '../../controller/domain/problem.ts';
import type { NewHalt, Source, SourceTree } from '../../controller/ports/index.ts';
import { makeReconcile, type Reconcile } from '../../controller/reconcile/loop.ts';
import { makePublication, type Publication } from '../../controller/reconcile/publication.ts';
import type { Store } from '../../controller/store/store.ts';
import { parseState, placeFindings } from '../../controller/yaml/parse.ts';
import { releaseFiles, sourceFiles } from '../support/releases.ts';
import { aBuild, aCohort, aPolicy, aRamp, HOUR_MS, NOW_MS, type StateParts } from '../support/state.ts';
import { withStore } from '../support/store.ts';

interface Scene {
  readonly store: Store;
  readonly events: Event[];
  readonly effects: Reconciled[];
  publication: Publication;
  readonly published: string[];
  nowMs: number;
  monotonicMs: number;
  head: string;
  readonly trees: Map<string, SourceTree>;
  /** Pairs `revision ancestor` that do not descend. */
  readonly rewritten: Set<string>;
  fault: Fault | undefined;
  reads: number;
  missing: ReadonlySet<Sha256>;
  approvals: Finding[];
  readonly asked: string[];
  broken: boolean;
  /** What continuity was told of. */
  readonly rejected: string[];
  /** Runs while a revision is judged. */
  meanwhile: () => void;
  /** The database commits what it is given, and the connection ends before it says so. */
  isAnswerLost: boolean;
  loop: Reconcile;
  /** A new process over the same store. */
  restart(): Promise<void>;
  /** A commit with this state; `as`: its tree hash. */
  commit(revision: string, parts: StateParts, as?: string): void;
  run(): Promise<string>;
}

const treeOf = (revision: string, parts: StateParts, treeHash = `tree of ${revision}`): SourceTree => ({
  revision,
  committedAtMs: NOW_MS,
  treeHash,
  files: sourceFiles(releaseFiles(parts)),
});

const withScene = (use: (scene: Scene) => Promise<void>): Promise<void> =>
  withStore(async store => {
    const build = (scene: Scene): Reconcile => {
      const source: Source = {
        head: async () => {
          if (scene.fault !== undefined) throw scene.fault;
          return scene.head;
        },
        read: async revision => {
          scene.reads++;
          const tree = scene.trees.get(revision);
          if (tree === undefined) throw new Error(`${revision} was not committed`);
          return tree;
        },
        descends: async (revision, ancestor) => !scene.rewritten.has(`${revision} ${ancestor}`),
        rolloutHistory: async function* () {},
        watch: async () => async () => undefined,
      };
      return makeReconcile({
        source,
        desired: {
          ...store.desired,
          apply: async (...given) => {
            await store.desired.apply(...given);
            if (scene.isAnswerLost) throw new Fault('store_unreachable', 'no answer', { retry: 'backoff' });
          },
        },
        halts: store.halts.standing,
        clock: { nowMs: () => scene.nowMs, held: false },
        monotonicMs: () => scene.monotonicMs,
        observe: event => void scene.events.push(event),
        judging: {
          parse: parseState,
          place: ({ files }: SourceTree, findings) => placeFindings(files, findings),
        },
        continuity: {
          broken: async () => {
            scene.meanwhile();
            return scene.broken;
          },
          rejected: async (revision, applied) => {
            await Promise.resolve();
            const known = (await store.desired.attempted())?.revision;
            scene.rejected.push(`${revision} over ${applied?.revision}, known ${known}`);
          },
        },
        resume: async applied => applied.progress,
        haltUntilKnown: async () => false,
        missing: async () => scene.missing,
        approve: async (revision, plan, needed) => {
          scene.asked.push(`${revision} ${plan.head.state.rollout.current} ${needed}`);
          return scene.approvals;
        },
        effects: reconciled => {
          scene.effects.push(reconciled);
          return [{ topic: 'told', key: `${scene.effects.length}`, payload: null, notBeforeMs: 0 }];
        },
        publication: scene.publication,
      });
    };
    const subscribed = (): Publication => {
      const publication = makePublication();
      publication.subscribe(snapshot => scene.published.push(snapshot.revision));
      return publication;
    };
    const scene = {
      store,
      events: [],
      effects: [],
      publication: subscribed(),
      published: [],
      nowMs: NOW_MS,
      monotonicMs: 0,
      head: 'r1',
      trees: new Map(),
      rewritten: new Set(),
      fault: undefined,
      reads: 0,
      missing: new Set(),
      approvals: [],
      asked: [],
      broken: false,
      rejected: [],
      meanwhile: () => undefined,
      isAnswerLost: false,
      restart: async () => {
        scene.publication = subscribed();
        scene.loop = build(scene);
        await scene.loop.restore();
      },
      commit: (revision: string, parts: StateParts, as?: string) => {
        scene.trees.set(revision, treeOf(revision, parts, as));
        scene.head = revision;
      },
      run: async () => {
        scene.events.length = 0;
        await scene.loop.run();
        return scene.events.map(e => e.type).join(' ');
      },
    } as unknown as Scene;
    scene.loop = build(scene);
    await use(scene);
  });

/** With a seed of their own, so that nothing but the builds is wrong. */
const BAD = { current: 'b99', cohortSeed: 'b99:0' };
const WORSE = { current: 'b98', lastSafe: 'b97', cohortSeed: 'b98:0' };

const codes = ({ loop }: Scene): string[] => loop.status().problems.map(p => p.code);
const error = (code: Finding['code']): Finding => ({
  severity: 'error',
  code,
  file: 'rollout.yaml',
  path: [],
  message: code,
  hint: undefined,
});

test('the first revision is applied, stored, published and reported in one pass', () =>
  withScene(async scene => {
    assert.equal(scene.loop.status(), {
      appliedRevision: undefined,
      appliedAtMs: undefined,
      attemptedRevision: undefined,
      problems: [],
      sourceReadAtMs: undefined,
      sourceFault: undefined,
      clockHeld: false,
    });
    scene.commit('r1', { rollout: 10, cohorts: [aCohort('unused')] });
    assert.is(await scene.run(), 'ota.promote ota.rollout.update ota.reconcile.applied');
    assert.equal(scene.published, ['r1']);
    const [told] = scene.effects;
    assert.is(told?.kind, 'applied');
    if (told?.kind !== 'applied') return;
    assert.equal([told.before, told.after.revision, told.plan.base], [undefined, 'r1', undefined]);
    assert.equal(
      told.problems.map(p => p.code),
      ['cohort_unused'],
    );
    const applied = await scene.store.desired.applied();
    assert.equal([applied?.revision, applied?.treeHash, applied?.appliedAtMs], ['r1', 'tree of r1', NOW_MS]);
    assert.is((await scene.store.outbox.pending('told')).length, 1);
    const [audit] = await scene.store.audit.list({ limit: 9 });
    assert.equal([audit?.actor, audit?.action, audit?.subject], ['git:r1', 'apply', 'b42']);
    assert.equal(scene.loop.status(), {
      appliedRevision: 'r1',
      appliedAtMs: NOW_MS,
      attemptedRevision: 'r1',
      problems: told.problems,
      sourceReadAtMs: NOW_MS,
      sourceFault: undefined,
      clockHeld: false,
    });
  }));

test('events say what changed: a raise, a rollback, nothing', () =>
  withScene(async scene => {
    scene.commit('r1', { rollout: 10 });
    await scene.run();
    assert.is(await scene.run(), 'ota.reconcile.unchanged');
    assert.is(scene.reads, 1, 'a head that stands is not read again');
    assert.equal(scene.published, ['r1'], 'nothing is published twice');
    scene.commit('r2', { rollout: 50 });
    assert.is(await scene.run(), 'ota.rollout.update ota.reconcile.applied');
    const [raise, done] = scene.events;
    assert.equal(raise, {
      type: 'ota.rollout.update',
      revision: 'r2',
      buildId: 'b42',
      fromPercent: 10,
      toPercent: 50,
      by: 'commit',
    });
    assert.ok(
      done?.type === 'ota.reconcile.applied' && done.changes === 1 && done.ms >= 0 && done.ms < 60_000,
    );
    scene.commit('r3', { rollout: { rollback: true } });
    assert.is(await scene.run(), 'ota.rollback ota.rollout.update ota.reconcile.applied');
    const [back] = scene.events;
    assert.equal(back, {
      type: 'ota.rollback',
      revision: 'r3',
      buildId: 'b41',
      fromBuildId: 'b42',
      forceDowngrade: false,
    });
    scene.commit('r4', { rollout: { rollback: true, reason: 'a word' } });
    assert.is(await scene.run(), 'ota.reconcile.applied');
  }));

test('a rejection changes nothing and is reported once, and again only if it differs', () =>
  withScene(async scene => {
    scene.commit('r1', { rollout: 10 });
    await scene.run();
    scene.commit('r2', { rollout: BAD });
    assert.is(await scene.run(), 'ota.reconcile.rejected');
    const [event] = scene.events;
    assert.ok(event?.type === 'ota.reconcile.rejected');
    assert.equal([event.revision, event.problems, event.codes], ['r2', 1, ['unknown_build']]);
    assert.equal(codes(scene), ['unknown_build']);
    assert.equal(scene.rejected, ['r2 over r1, known r1'], 'before the rejection is kept');
    assert.equal([scene.loop.status().appliedRevision, scene.loop.status().attemptedRevision], ['r1', 'r2']);
    const { problems } = scene.loop.status();
    assert.equal(scene.effects.at(-1), { kind: 'rejected', revision: 'r2', problems });
    assert.is(await scene.run(), '', 'the same rejection is told once');
    assert.is(scene.effects.length, 2);
    await scene.restart();
    assert.equal(codes(scene), ['unknown_build'], 'it is known after a restart');
    assert.is(await scene.run(), '');
    scene.trees.set('r2', treeOf('r2', { rollout: WORSE }));
    assert.is(await scene.run(), 'ota.reconcile.rejected', 'other problems of the same revision are told');
    scene.commit('r3', { rollout: WORSE });
    assert.is(await scene.run(), 'ota.reconcile.rejected', 'the same problems of another revision are told');
    assert.equal(scene.published, ['r1', 'r1']);
    assert.is((await scene.store.desired.applied())?.revision, 'r1');
  }));

test('a rejection of the policy keeps the plan unapplied; approvals are asked for last', () =>
  withScene(async scene => {
    const policy = aPolicy({ maxJumpPercent: 50, approvals: [{ abovePercent: 20, approvals: 2 }] });
    scene.commit('r1', { rollout: 10, policy });
    await scene.run();
    scene.commit('r2', { rollout: 90, policy });
    await scene.run();
    assert.equal([codes(scene), scene.asked], [['policy_jump'], []]);
    scene.commit('r3', { rollout: 40, policy });
    scene.approvals = [error('plan_not_approved')];
    await scene.run();
    assert.equal([codes(scene), scene.asked], [['plan_not_approved'], ['r3 b42 2']]);
    scene.approvals = [];
    assert.is(await scene.run(), 'ota.rollout.update ota.reconcile.applied');
    assert.is(scene.loop.snapshot?.revision, 'r3');
  }));

test('back from a rejected revision, and on to a newer commit of the applied tree, its warnings hold', () =>
  withScene(async scene => {
    const parts = { rollout: 10, cohorts: [aCohort('unused')] };
    scene.commit('r1', parts);
    await scene.run();
    scene.commit('r2', { rollout: BAD });
    await scene.run();
    scene.head = 'r1';
    assert.is(await scene.run(), 'ota.reconcile.unchanged');
    assert.equal([codes(scene), scene.loop.status().attemptedRevision], [['cohort_unused'], 'r1']);
    scene.nowMs += HOUR_MS;
    scene.commit('r3', parts, 'tree of r1');
    assert.is(await scene.run(), 'ota.reconcile.unchanged');
    assert.equal([codes(scene), scene.loop.status().appliedRevision], [['cohort_unused'], 'r3']);
    assert.is(scene.loop.status().appliedAtMs, NOW_MS, 'the tree was applied before');
    assert.is((await scene.store.desired.attempted())?.attemptedAtMs, NOW_MS + HOUR_MS);
    assert.equal(scene.published, ['r1', 'r3']);
    await scene.restart();
    assert.equal(codes(scene), ['cohort_unused']);
  }));

test('the applied tree is judged again where another rollout stood in between', () =>
  withScene(async scene => {
    scene.commit('r1', { rollout: 10 });
    await scene.run();
    scene.broken = true;
    scene.rewritten.add('r2 r1');
    scene.commit('r2', { rollout: 10 }, 'tree of r1');
    assert.is(await scene.run(), 'ota.reconcile.applied', 'the same tree needs no common history');
    assert.is(scene.loop.snapshot?.revision, 'r2');
  }));

const PRESSED: NewHalt = {
  buildId: 'b42',
  kind: 'hand',
  mode: 'halt',
  atMs: NOW_MS,
  by: 'admin:ops',
  reason: 'crashes',
  evidence: undefined,
};

test('the stored plan of an applied revision lists its dangers', () =>
  withScene(async scene => {
    scene.commit('r1', { rollout: 10, policy: aPolicy() });
    await scene.run();
    scene.commit('r2', { rollout: 10, policy: aPolicy({ maxJumpPercent: 60 }) });
    await scene.run();
    const [kept] = await scene.store.revisions.list({ limit: 1 });
    assert.equal(
      [kept?.revision, kept?.detail.plan?.dangers],
      ['r2', ['later pull requests will be judged by the new policy']],
    );
  }));

test('a halt that comes while a revision is judged is judged with it, and nothing is applied before', () =>
  withScene(async scene => {
    scene.commit('r1', { rollout: 10 });
    await scene.run();
    const { snapshot } = scene.publication;
    if (snapshot === undefined) throw new Error('r1 stands');
    const halt = await scene.store.halts.press(PRESSED, []);
    scene.meanwhile = () => scene.publication.publish({ ...snapshot, halts: [halt] });
    scene.broken = true;
    scene.commit('r2', { rollout: 10 }, 'tree of r1');
    assert.is(await scene.run(), 'ota.reconcile.applied');
    const [reconciled] = scene.effects.slice(-1);
    assert.equal(reconciled?.kind === 'applied' && reconciled.plan.base?.halts, [halt]);
    assert.is(scene.loop.snapshot?.revision, 'r2');
  }));

test('a halt that another controller committed is shown as soon as halts are refreshed', () =>
  withScene(async scene => {
    scene.commit('r1', { rollout: 10 });
    await scene.run();
    const halt = await scene.store.halts.press(PRESSED, []);
    assert.equal(scene.loop.snapshot?.halts ?? [], []);
    await scene.loop.refreshHalts();
    assert.equal(
      scene.loop.snapshot?.halts.map(h => [h.id, h.reason]),
      [[halt.id, 'crashes']],
    );
  }));

test('a rewritten history is held until that very head is accepted', () =>
  withScene(async scene => {
    scene.commit('r1', { rollout: 10 });
    await scene.run();
    scene.rewritten.add('r2 r1');
    scene.commit('r2', { rollout: 20 });
    assert.is(await scene.run(), 'ota.reconcile.rejected');
    const [problem] = scene.loop.status().problems;
    assert.equal(
      [problem?.code, problem?.file, problem?.line, problem?.column, problem?.path, problem?.severity],
      ['history_rewritten', '', 1, 1, '', 'error'],
    );
    assert.match(problem?.message ?? '', /head r2 does not descend from the applied revision r1/);
    assert.match(problem?.hint ?? '', /--accept-rewrite r2$/);
    await scene.loop.run({ acceptRewrite: 'r9' });
    assert.is(scene.loop.snapshot?.revision, 'r1');
    await scene.loop.run({ acceptRewrite: 'r2' });
    assert.is(scene.loop.snapshot?.revision, 'r2');
  }));

test('a source that cannot be read is reported, changes nothing, and its age grows until it is read', () =>
  withScene(async scene => {
    scene.commit('r1', { rollout: 10 });
    scene.monotonicMs = 5_000;
    assert.is(scene.loop.sourceAgeMs(), 5_000, 'from the start');
    await scene.run();
    assert.is(scene.loop.sourceAgeMs(), 0);
    scene.fault = new Fault('source_unreachable', 'no route to the host', { retry: 'backoff' });
    scene.monotonicMs += 7_000;
    assert.is(await scene.run(), 'ota.reconcile.fail');
    const [event] = scene.events;
    assert.ok(event?.type === 'ota.reconcile.fail');
    assert.equal([event.code, event.message], ['source_unreachable', 'no route to the host']);
    assert.equal(
      [scene.loop.status().sourceFault, scene.loop.status().appliedRevision, scene.loop.sourceAgeMs()],
      ['source_unreachable', 'r1', 7_000],
    );
    scene.fault = undefined;
    await scene.run();
    assert.equal([scene.loop.status().sourceFault, scene.loop.sourceAgeMs()], [undefined, 0]);
  }));

test('our own bug is thrown and reported without its text, and the next pass still runs', () =>
  withScene(async scene => {
    scene.head = 'never committed';
    try {
      await scene.loop.run();
      assert.unreachable();
    } catch (thrown) {
      assert.match((thrown as Error).message, /was not committed/);
    }
    const [event] = scene.events;
    assert.ok(event?.type === 'ota.reconcile.fail' && event.message === 'unexpected error');
    scene.commit('r1', { rollout: 10 });
    assert.is(await scene.run(), 'ota.promote ota.rollout.update ota.reconcile.applied');
  }));

test('a lost APK is published and reported once; one that comes back is published without a report', () =>
  withScene(async scene => {
    scene.commit('r1', { rollout: 10 });
    await scene.run();
    scene.missing = new Set([aBuild(42).sha256]);
    assert.is(await scene.run(), 'ota.artifact.lost ota.reconcile.unchanged');
    assert.equal(scene.events[0], {
      type: 'ota.artifact.lost',
      sha256: aBuild(42).sha256,
      buildId: 'b42',
    });
    assert.is(await scene.run(), 'ota.reconcile.unchanged');
    scene.missing = new Set([aBuild(41).sha256]);
    assert.is(
      await scene.run(),
      'ota.artifact.lost ota.reconcile.unchanged',
      'as many are missing, but another',
    );
    scene.missing = new Set();
    assert.is(await scene.run(), 'ota.reconcile.unchanged');
    assert.equal(scene.published, ['r1', 'r1', 'r1', 'r1']);
    assert.equal([...(scene.loop.snapshot?.missingArtifacts ?? [])], []);
  }));

test('a recheck publishes what came or went since, and calls that come together share a look', () =>
  withScene(async scene => {
    await scene.loop.recheck();
    assert.equal(scene.published, [], 'nothing stands yet');
    scene.commit('r1', { rollout: 10 });
    await scene.run();
    scene.events.length = 0;
    await scene.loop.recheck();
    assert.equal(scene.published, ['r1'], 'nothing changed');
    scene.missing = new Set([aBuild(42).sha256]);
    await Promise.all([scene.loop.recheck(), scene.loop.recheck(), scene.loop.recheck()]);
    assert.equal(
      scene.events.map(e => e.type),
      ['ota.artifact.lost'],
    );
    assert.equal([...(scene.loop.snapshot?.missingArtifacts ?? [])], [aBuild(42).sha256]);
    const first = scene.loop.recheck();
    scene.missing = new Set();
    await Promise.all([first, scene.loop.recheck()]);
    assert.equal([...(scene.loop.snapshot?.missingArtifacts ?? [])], []);
    assert.equal(scene.published, ['r1', 'r1', 'r1']);
  }));

test('a rejection is in the status only after it is kept', () =>
  withScene(async scene => {
    scene.commit('r1', { rollout: BAD });
    await scene.run();
    assert.equal(
      (await scene.store.desired.attempted())?.problems.map(p => p.code),
      codes(scene),
    );
    assert.is((await scene.store.outbox.pending('told')).length, 1);
  }));

test('a ramp keeps its progress over a restart and an edit, with what a look let through meanwhile', () =>
  withScene(async scene => {
    const exposure = aRamp(undefined, [1, 4], [10, 24], [100]);
    scene.commit('r1', { rollout: { exposure } });
    await scene.run();
    const begun = scene.loop.snapshot?.progress;
    assert.is(begun?.beginsAtMs, NOW_MS);
    await scene.restart();
    const resumed = scene.loop.snapshot?.progress;
    assert.equal(
      [resumed?.rampId, resumed?.beginsAtMs, resumed?.step, resumed?.enteredAtMs],
      [begun?.rampId, begun?.beginsAtMs, begun?.step, begun?.enteredAtMs],
    );
    const { snapshot } = scene.publication;
    if (snapshot === undefined || begun === undefined) throw new Error('a ramp stands');
    scene.nowMs += HOUR_MS;
    scene.meanwhile = () => scene.publication.replace({ ...snapshot, progress: { ...begun, step: 1 } });
    scene.commit('r2', { rollout: { exposure, wifiOnly: false } });
    await scene.run();
    assert.equal(
      [scene.loop.snapshot?.progress?.rampId, scene.loop.snapshot?.progress?.step],
      [begun.rampId, 1],
    );
    scene.meanwhile = () => undefined;
    scene.commit('r3', {
      rollout: { current: 'b41', lastSafe: 'b40', exposure },
      builds: [aBuild(40), aBuild(41)],
    });
    await scene.run();
    const next = scene.loop.snapshot?.progress;
    assert.is.not(next?.rampId, begun.rampId, 'another build is another ramp');
    assert.is(next?.beginsAtMs, NOW_MS + HOUR_MS);
  }));

test('a revision whose commit was not answered begins at its own first step, with the halts of its own build', () =>
  withScene(async scene => {
    const exposure = aRamp(undefined, [1, 4], [50, 24], [100]);
    scene.commit('r1', { rollout: { exposure } });
    await scene.run();
    const { snapshot } = scene.publication;
    const progress = snapshot?.progress;
    if (snapshot === undefined || progress === undefined) throw new Error('a ramp stands');
    const pressed = await scene.store.halts.press(
      { buildId: 'b42', kind: 'hand', mode: 'halt', atMs: NOW_MS, by: 'a', reason: 'x', evidence: null },
      [],
    );
    scene.publication.replace({ ...snapshot, progress: { ...progress, step: 1 }, halts: [pressed] });
    const builds = [aBuild(40), aBuild(41)];
    scene.commit('r2', { rollout: { current: 'b41', lastSafe: 'b40', exposure }, builds });
    scene.isAnswerLost = true;
    assert.is(await scene.run(), 'ota.reconcile.fail');
    assert.is(scene.loop.snapshot?.revision, 'r1');
    scene.isAnswerLost = false;
    await scene.run();
    const shown = scene.loop.snapshot;
    const kept = await scene.store.desired.applied();
    assert.equal([shown?.revision, shown?.progress, shown?.halts], ['r2', kept?.progress, []]);
    assert.is(shown?.progress?.step, 0, 'not the step of the one before it');
    scene.isAnswerLost = true;
    scene.commit('r3', { rollout: { current: 'b41', lastSafe: 'b40', exposure, wifiOnly: false }, builds });
    await scene.run();
    scene.isAnswerLost = false;
    scene.commit('r4', { rollout: { current: 'b41', lastSafe: 'b40', exposure }, builds });
    await scene.run();
    assert.is(scene.loop.snapshot?.revision, 'r4', 'and the next one is judged on it');
  }));

test('builds are known as long as anybody may report about them', () =>
  withScene(async scene => {
    scene.commit('r1', { rollout: 100, builds: [aBuild(40), aBuild(41), aBuild(42)] });
    await scene.run();
    scene.commit('r2', { rollout: 100 });
    await scene.run();
    const known = () => ['b40', 'b41', 'b42', 'b43'].map(id => scene.loop.knowsBuild(id));
    assert.equal(known(), [true, true, true, false]);
    await scene.restart();
    assert.equal(known(), [true, true, true, false]);
  }));

test('each event says how long the pass took, and no longer', () =>
  withScene(async scene => {
    const timed = async (): Promise<void> => {
      const sinceMs = performance.now();
      await scene.run();
      const tookMs = performance.now() - sinceMs;
      const event = scene.events.at(-1);
      assert.ok(event !== undefined && 'ms' in event && event.ms > 0 && event.ms <= tookMs, event?.type);
    };
    scene.commit('r1', { rollout: 10 });
    await timed();
    await timed();
    scene.commit('r2', { rollout: BAD });
    await timed();
    scene.fault = new Fault('source_unreachable', 'down', { retry: 'backoff' });
    await timed();
  }));

test('passes run one after another, however many are asked for at once', () =>
  withScene(async scene => {
    scene.commit('r1', { rollout: 10 });
    const all = await Promise.all([scene.loop.run(), scene.loop.run(), scene.loop.run()]);
    assert.equal(
      all.map(s => s.appliedRevision),
      ['r1', 'r1', 'r1'],
    );
    assert.equal(scene.published, ['r1']);
    assert.is((await scene.store.audit.list({ limit: 9 })).length, 1);
  }));

test.run();
