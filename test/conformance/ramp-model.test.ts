/**
 * Random histories of a rollout, played against a real store: merges, reverts, reverts of reverts, edits of steps,
 * brakes, breaches, clock jumps, outages, restarts, kills and lost rows, with two builds. After each step the promises
 * of SPEC §2 and GATES §5 must hold. Seeds are fixed and named in every failure.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decide, effectivePercent, makeSnapshot, type Snapshot } from '../../controller/domain/decision.ts';
import { Fault } from '../../controller/domain/fault.ts';
import { type Evidence, NO_EVIDENCE } from '../../controller/domain/gate/evidence.ts';
import { DEFAULT_GATE } from '../../controller/domain/gate/gate.ts';
import { standingOnceApplied } from '../../controller/domain/ramp/begin.ts';
import { finalPercent, percentAt } from '../../controller/domain/ramp/progress.ts';
import type { Ramp, Rollout } from '../../controller/domain/release.ts';
import type { Applied, Brake } from '../../controller/ports/index.ts';
import { makePublication, type Publication } from '../../controller/reconcile/publication.ts';
import type { Store } from '../../controller/store/store.ts';
import { makeBrake } from '../../controller/watch/brake.ts';
import { type ExposureWatch, watchExposure } from '../../controller/watch/exposure.ts';
import { resumeRamp } from '../../controller/watch/ramp-row.ts';
import { aBuild, aPolicy, aRollout, HOUR_MS, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const STEPS = 2_500;
const SEEDS = [11, 22, 33, 44];
const IDS = Array.from({ length: 60 }, (_, n) => `kiosk-${n}`);
const CANARY = 'kiosk-7';

/** mulberry32: small, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const BREACH: Evidence = {
  ...NO_EVIDENCE,
  cohort: { ...NO_EVIDENCE.cohort, taken: 3, fail: 3 },
  step: { ...NO_EVIDENCE.step, taken: 3, fail: 3 },
};
const WELL: Evidence = {
  ...NO_EVIDENCE,
  cohort: { ...NO_EVIDENCE.cohort, taken: 60, ok: 60, followed: 60 },
  step: { ...NO_EVIDENCE.step, taken: 60, ok: 60, followed: 60 },
};

class World {
  readonly #random: () => number;
  readonly #store: Store;
  publication: Publication = makePublication();
  #watch: ExposureWatch;
  #brake: Brake;
  #nowMs = NOW_MS;
  #monotonicMs = 0;
  #held = false;
  #evidence: Evidence = WELL;
  #revision = 0;
  readonly #history: Rollout[] = [];

  constructor(store: Store, seed: number) {
    this.#store = store;
    this.#random = randomOf(seed);
    this.#watch = this.#makeWatch();
    this.#brake = this.#makeBrake();
  }

  get nowMs(): number {
    return this.#nowMs;
  }
  get snapshot(): Snapshot | undefined {
    return this.publication.snapshot;
  }
  pick<T>(of: readonly [T, ...T[]]): T {
    return of[Math.floor(this.#random() * of.length)] ?? of[0];
  }

  #clock() {
    const world = this;
    return {
      nowMs: () => world.#nowMs,
      get held() {
        return world.#held;
      },
    };
  }
  #makeWatch(): ExposureWatch {
    return watchExposure({
      picture: this.publication,
      known: () => ({ evidence: this.#evidence, lift: undefined }),
      halts: this.#store.halts,
      clock: this.#clock(),
      monotonicMs: () => this.#monotonicMs,
      pollMs: 6 * HOUR_MS,
      ramps: this.#store.ramps,
      values: this.#store.keyValues,
      outbox: this.#store.outbox,
      observe: () => undefined,
      notices: () => [],
      effects: () => [],
      haltEffects: () => [],
    });
  }
  #makeBrake() {
    return makeBrake({
      picture: this.publication,
      halts: this.#store.halts,
      gate: {
        known: () => ({ evidence: this.#evidence, lift: undefined }),
        look: async () => undefined,
        forget: () => undefined,
      },
      clock: this.#clock(),
      observe: () => undefined,
      notices: () => [],
      effects: () => [],
    });
  }

  rollout(): Rollout {
    const standing = this.snapshot?.rollout;
    const current = this.pick(['b42', 'b42', 'b43'] as const);
    const gate = this.pick([undefined, DEFAULT_GATE, { ...DEFAULT_GATE, onBreach: 'rollback' }] as const);
    const steps = this.pick<readonly number[]>([
      [1, 10, 50, 100],
      [10, 25, 100],
      [5, 40],
      [50, 100],
    ]);
    const ramp: Ramp = {
      startMs: this.pick([undefined, undefined, this.#nowMs - 90 * HOUR_MS, this.#nowMs + 2 * HOUR_MS]),
      steps: steps.map((percent, n) => ({
        percent,
        holdMs: n === steps.length - 1 ? undefined : this.pick([1, 3, 8] as const) * HOUR_MS,
      })),
      gate,
    };
    const exposure: Rollout['exposure'] =
      this.#random() < 0.25
        ? { kind: 'percent', percent: this.pick([0, 10, 50, 100] as const) }
        : { kind: 'ramp', ramp };
    // Often an edit of what stands: the same build and start, other steps.
    const keep = standing !== undefined && standing.exposure.kind === 'ramp' && this.#random() < 0.5;
    const edited: Rollout['exposure'] =
      keep && standing?.exposure.kind === 'ramp' && exposure.kind === 'ramp'
        ? { kind: 'ramp', ramp: { ...exposure.ramp, startMs: standing.exposure.ramp.startMs } }
        : exposure;
    return aRollout({
      current: keep ? (standing?.current ?? current) : current,
      lastSafe: 'b41',
      exposure: edited,
      rollback: this.#random() < 0.12,
      canary: { tags: [], devices: this.#random() < 0.5 ? [CANARY] : [], cohorts: [] },
      cohortSeed: 'one seed',
    });
  }

  async merge(rollout: Rollout): Promise<void> {
    const broken = this.#random() < 0.05;
    await this.publication.inTurn(async () => {
      const before = this.snapshot;
      const builds = [aBuild(41), aBuild(42), aBuild(43)];
      const withdrawn = this.#history.length > 40 && this.#random() < 0.03;
      const state = {
        rollout,
        builds: new Map(
          builds.map(b => [
            b.buildId,
            withdrawn && b.buildId === rollout.current ? { ...b, withdrawn: { reason: 'x', atMs: 0 } } : b,
          ]),
        ),
        cohorts: new Map(),
        policy: aPolicy(),
      };
      const kept = await this.#store.halts.standing(rollout.current);
      const base = before && { ...before, formerBuilds: new Map() };
      const standing = standingOnceApplied(base, state, {
        nowMs: this.#nowMs,
        broken,
        clockHeld: this.#held,
        kept,
      });
      this.#revision += 1;
      const applied: Applied = {
        ...standing,
        revision: `r${this.#revision}`,
        treeHash: `t${this.#revision}`,
        appliedAtMs: this.#nowMs,
      };
      await this.#store.desired.apply(applied, [], [], []);
      this.publication.publish(snapshotOf(applied, this.#nowMs));
      this.#history.push(rollout);
    });
  }

  /** What stood one or two commits ago stands again. */
  async revert(): Promise<void> {
    const back = this.#history.at(-1 - this.pick([1, 1, 2] as const));
    if (back !== undefined) await this.merge(back);
  }

  async serve(minutes: number, check: (before: Snapshot | undefined) => void): Promise<void> {
    for (let n = 0; n < minutes; n += 1) {
      this.#nowMs += 60_000;
      this.#monotonicMs += 60_000;
      const before = this.snapshot;
      await this.#watch.look();
      check(before);
    }
  }

  away(hours: number): void {
    this.#nowMs += hours * HOUR_MS;
    this.#monotonicMs += hours * HOUR_MS;
  }
  hold(held: boolean): void {
    this.#held = held;
  }
  tell(evidence: Evidence): void {
    this.#evidence = evidence;
  }

  async brake(): Promise<void> {
    await this.#brake.press({ by: 'admin:test', reason: 'x' }).catch(refused);
  }
  async resume(): Promise<void> {
    await this.#brake
      .resume({ by: 'admin:test', reason: 'x', without: [], mayLiftGate: true })
      .catch(refused);
  }

  /** A new process on the same store; `kill`: what was not kept is lost; `lost`: the rows of the ramp as well. */
  async restart(how: 'clean' | 'kill' | 'lost'): Promise<void> {
    if (how === 'clean') await this.#watch.keep();
    const kept = await this.#store.desired.applied();
    this.publication = makePublication();
    this.#watch = this.#makeWatch();
    this.#brake = this.#makeBrake();
    if (kept === undefined) return;
    const applied = how === 'lost' ? { ...kept, progress: undefined } : kept;
    const progress = await resumeRamp(applied, {
      ramps: this.#store.ramps,
      clock: this.#clock(),
      observe: () => undefined,
      haltUntilKnown: async () => false,
    });
    this.publication.publish(snapshotOf({ ...kept, progress }, this.#nowMs));
  }
}

function refused(error: unknown): void {
  if (!(error instanceof Fault)) throw error;
}

const snapshotOf = (applied: Applied, nowMs: number): Snapshot =>
  makeSnapshot(applied.state, {
    progressReadAtMs: nowMs,
    revision: applied.revision,
    appliedAtMs: applied.appliedAtMs,
    progress: applied.progress,
    halts: applied.halts,
  });

const looked = (snapshot: Snapshot, nowMs: number): Snapshot => ({ ...snapshot, progressReadAtMs: nowMs });

/** Who is offered `current` now. */
function offers(snapshot: Snapshot | undefined, nowMs: number): string[] {
  if (snapshot === undefined) return [];
  return IDS.filter(deviceId => {
    const decision = decide(snapshot, { deviceId, tags: [], versionCode: 40 }, nowMs);
    return decision.kind === 'offer' && decision.build.buildId === snapshot.rollout.current;
  });
}

const isStopped = ({ halts, current, rollout }: Snapshot): boolean =>
  halts.length > 0 || current.withdrawn !== undefined || rollout.rollback;

/** A commit to a ramp that goes on narrows or leaves it; only its first step may come with one. */
function widensNothing(before: Snapshot | undefined, after: Snapshot | undefined, said: string): void {
  if (before?.progress === undefined || after?.progress?.rampId !== before.progress.rampId) return;
  const [was, is] = [before, after].map(s => percentAt(s.rollout, s.progress));
  const begins = before.progress.step < 0 && after.progress.step === 0;
  assert.ok(begins || (is ?? 0) <= (was ?? 0), `${said}: ${was} % became ${is} %`);
}

/** Whoever was offered the build stays offered it while its percent is as high as before; canaries come and go with lists. */
function evictsNobody(
  before: Snapshot | undefined,
  after: Snapshot | undefined,
  nowMs: number,
  said: string,
): void {
  if (before === undefined || after === undefined || isStopped(after)) return;
  if (before.rollout.current !== after.rollout.current) return;
  const [was, is] = [before, after].map(s => percentAt(s.rollout, s.progress));
  if ((is ?? 0) < (was ?? 0)) return;
  const has = new Set(offers(after, nowMs));
  const gone = offers(before, nowMs).filter(id => id !== CANARY && !has.has(id));
  assert.equal(gone, [], `${said}: from ${was} % to ${is} % evicted somebody`);
}

function holds(world: World, said: string): void {
  const { snapshot, nowMs } = world;
  if (snapshot === undefined) return;
  const declared = percentAt(snapshot.rollout, snapshot.progress);
  const effective = effectivePercent(snapshot, nowMs);
  assert.ok(effective <= declared, `${said}: effective ${effective} > declared ${declared}`);
  assert.ok(declared <= finalPercent(snapshot.rollout), `${said}: ${declared} is more than Git says`);
  const stopped =
    snapshot.halts.length > 0 || snapshot.current.withdrawn !== undefined || snapshot.rollout.rollback;
  if (stopped)
    assert.equal([effective, ...offers(snapshot, nowMs)], [0], `${said}: offered although it is stopped`);
}

function oneStep(
  before: Snapshot | undefined,
  after: Snapshot | undefined,
  nowMs: number,
  said: string,
): void {
  if (before?.progress === undefined || after?.progress === undefined) return;
  assert.is(after.progress.rampId, before.progress.rampId, `${said}: a look begins no ramp`);
  const rise = after.progress.step - before.progress.step;
  assert.ok(rise === 0 || rise === 1, `${said}: ${rise} steps at one look`);
  if (isStopped(before)) assert.is(rise, 0, `${said}: a step while nobody was offered the build`);
  if (after.halts.length > 0) return;
  const had = offers(before, nowMs);
  const has = new Set(offers(after, nowMs));
  assert.equal(
    had.filter(id => !has.has(id)),
    [],
    `${said}: time evicted somebody`,
  );
}

async function play(world: World, step: number, said: string): Promise<void> {
  const action = world.pick([
    'merge',
    'revert',
    'serve',
    'serve',
    'serve',
    'away',
    'held',
    'breach',
    'brake',
    'resume',
    'restart',
    'kill',
    'lost',
  ] as const);
  const at = `${said}, step ${step}, ${action}`;
  const check = (before: Snapshot | undefined): void => oneStep(before, world.snapshot, world.nowMs, at);
  const { snapshot: before } = world;
  if (action === 'merge' || before === undefined) {
    await world.merge(world.rollout());
    widensNothing(before, world.snapshot, at);
    evictsNobody(before, world.snapshot, world.nowMs, at);
  } else if (action === 'revert') {
    await world.revert();
    widensNothing(before, world.snapshot, at);
    evictsNobody(before, world.snapshot, world.nowMs, at);
  } else if (action === 'serve') await world.serve(world.pick([1, 15, 45] as const), check);
  else if (action === 'away') world.away(world.pick([2, 30, 200] as const));
  else if (action === 'brake') await world.brake();
  else if (action === 'resume') await world.resume();
  else if (action === 'held') {
    world.hold(true);
    await world.serve(10, check);
    assert.is(world.snapshot?.progress?.step, before.progress?.step, `${at}: a step under a held clock`);
    world.hold(false);
  } else if (action === 'breach') {
    world.tell(BREACH);
    await world.serve(1, check);
    const gated = before.rollout.exposure.kind === 'ramp' && before.rollout.exposure.ramp.gate !== undefined;
    if (gated)
      assert.ok(
        world.snapshot?.halts.some(h => h.kind === 'gate'),
        `${at}: the breach halted nothing`,
      );
    world.tell(WELL);
  } else {
    // Whoever starts looks at the ramp; who was away for long and did not offers nothing that a gate judges.
    const had = offers(looked(before, world.nowMs), world.nowMs);
    await world.restart(action === 'restart' ? 'clean' : action);
    if (action !== 'lost')
      assert.equal(offers(world.snapshot, world.nowMs), had, `${at}: other offers after it`);
    else assert.ok((world.snapshot?.progress?.step ?? -1) <= 0, `${at}: beyond its first step`);
  }
  holds(world, at);
}

for (const seed of SEEDS)
  test(`${STEPS} random steps, seed ${seed}`, () =>
    withStore(async store => {
      const world = new World(store, seed);
      for (let step = 0; step < STEPS; step += 1) await play(world, step, `seed ${seed}`);
    }));

test.run();
