/** Simulates one rollout in virtual time. Every hour the controller's own code judges the evidence. Pure. */
import { HOUR_MS } from '../domain/duration.ts';
import { type Evidence, NO_EVIDENCE } from '../domain/gate/evidence.ts';
import type { Judgement } from '../domain/gate/judge-step.ts';
import type { Reason, Verdict } from '../domain/gate/verdict.ts';
import { lookAt } from '../domain/ramp/look.ts';
import { newRamp, type RampProgress } from '../domain/ramp/progress.ts';
import { countEvidence, Tally } from './simulation-evidence.ts';
import { type AbsencePeriod, type Fleet, has, makeFleet, offUntil, STATE } from './simulation-fleet.ts';
import type { Scenario } from './simulation-model.ts';

export interface Look {
  readonly hour: number;
  /** 0 before the first step. */
  readonly percent: number;
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
  /** Devices, canaries not included. */
  readonly taken: number;
  readonly fail: number;
  readonly silent: number;
}

export interface Played {
  /** `done`: the follow-up of the last step is over. `open`: the horizon was reached before. */
  readonly end: 'done' | 'halt' | 'waiting_for_person' | 'open';
  readonly reasons: readonly Reason[];
  /** Hours from the first step. */
  readonly endHour: number;
  readonly percent: number;
  /** When each step was entered. */
  readonly enteredHours: readonly number[];
  /** Devices that took the build by then, canaries not included, and their share of the fleet. */
  readonly taken: number;
  readonly takenShare: number;
}

interface PlayOptions {
  /** Called at each look. */
  readonly onLook?: (look: Look) => void;
}

/** Simulates until the rollout is done, is halted or waits for a person, or until the horizon is reached. */
export function play(scenario: Scenario, seed: number, options: PlayOptions = {}): Played {
  const run = new Run(scenario, seed);
  for (let hour = -scenario.leadHours; hour < scenario.horizonHours; hour++) {
    run.checkIns(hour);
    const end = run.look(hour + 1, options.onLook);
    if (end !== undefined) return run.result(end, hour + 1);
  }
  return run.result('open', scenario.horizonHours);
}

class Run {
  private readonly scenario: Scenario;
  private readonly fleet: Fleet;
  private readonly tally: Tally;
  private readonly entered: number[] = [];
  private stretches: AbsencePeriod[];
  private progress: RampProgress;
  /** Hours in which the controller was away. */
  private downHours = 0;
  private last: Judgement | undefined;

  constructor(scenario: Scenario, seed: number) {
    this.scenario = scenario;
    this.fleet = makeFleet(scenario, seed);
    this.tally = new Tally(scenario.ramp.steps.length);
    this.stretches = scenario.away.map(a => stretch(a, a.from === 'start' ? 0 : Number.NaN));
    this.progress = newRamp(scenario.ramp, 0);
    // Without a lead the ramp is applied as it begins, which opens its first step.
    if (scenario.leadHours === 0) this.judge(0, 0, NO_EVIDENCE);
  }

  private get step(): number {
    return this.progress.step;
  }

  private percent(): number {
    return this.scenario.ramp.steps[this.step]?.percent ?? 0;
  }

  private enter(step: number, hour: number): void {
    const { fleet, scenario } = this;
    this.entered.push(hour);
    if (step === scenario.ramp.steps.length - 1)
      this.stretches = this.stretches.map(s => (s.from === 'last_step' ? stretch(s, hour) : s));
    for (let i = fleet.ends[step - 1] ?? 0; i < (fleet.ends[step] ?? 0); i++) this.nudge(i, hour);
  }

  /** A nudged device that is on checks in within the hour. */
  private nudge(i: number, hour: number): void {
    const { fleet, scenario } = this;
    if (!has(fleet, i, 'nudged') || (fleet.nextPoll[i] ?? 0) === Number.POSITIVE_INFINITY) return;
    if (offUntil(fleet, i, hour, scenario.beginsAtHour, this.stretches) !== undefined) return;
    fleet.nextPoll[i] = Math.min(fleet.nextPoll[i] ?? 0, hour + fleet.random.next());
  }

  private isDown(hour: number): boolean {
    return this.stretches.some(s => s.who === 'controller' && hour >= s.start && hour < s.end);
  }

  /** Everything that devices do in the hour that begins at `hour`. */
  checkIns(hour: number): void {
    const { fleet, scenario } = this;
    if (this.isDown(hour)) this.downHours++;
    const { size, nextPoll } = fleet;
    const { pollHours } = scenario.fleet;
    for (let i = 0; i < size; i++) {
      let at = nextPoll[i] ?? 0;
      if (at >= hour + 1) continue;
      while (at < hour + 1) at = this.poll(i, at, pollHours);
      nextPoll[i] = at;
    }
  }

  /** Returns the time of the next poll. */
  private poll(i: number, at: number, pollHours: number): number {
    const { fleet, scenario } = this;
    if (at >= (fleet.diesAt[i] ?? 0)) return Number.POSITIVE_INFINITY;
    const { random } = fleet;
    const spread = scenario.fleet.pollSpread;
    const off = offUntil(fleet, i, at, scenario.beginsAtHour, this.stretches);
    // A device that is switched on checks in when its agent starts.
    if (typeof off === 'number') return off + random.between(0, 0.5);
    if (off === undefined) this.check(i, at);
    return at + pollHours * (1 + random.between(-spread, spread));
  }

  private isOffered(i: number): boolean {
    return i >= this.fleet.canariesFrom || (this.step >= 0 && i < (this.fleet.ends[this.step] ?? 0));
  }

  private check(i: number, at: number): void {
    const { fleet, tally, scenario } = this;
    const up = at - this.downHours;
    fleet.lastSeen[i] = up;
    const state = fleet.state[i];
    if (state === STATE.none) {
      if (!this.isOffered(i)) return;
      if (fleet.random.chance(scenario.fleet.deferShare)) fleet.deferred[i] = 1;
      else this.take(i, at, up);
      return;
    }
    if (state === STATE.pending) {
      fleet.state[i] = STATE.ok;
      tally.add(fleet, i, 'ok', 1);
    }
    if (fleet.followed[i] === 0 && up >= (fleet.takenAt[i] ?? 0) + 2 * scenario.fleet.pollHours) {
      fleet.followed[i] = 1;
      tally.add(fleet, i, 'followed', 1);
    }
  }

  private take(i: number, at: number, up: number): void {
    const { fleet, tally, scenario } = this;
    const { build } = scenario;
    fleet.takenAt[i] = up;
    fleet.deferred[i] = 0;
    tally.add(fleet, i, 'taken', 1);
    if (has(fleet, i, 'verifyFails')) {
      fleet.state[i] = STATE.verifyFail;
      tally.add(fleet, i, 'verifyFail', 1);
    } else if (has(fleet, i, 'fails')) {
      fleet.state[i] = STATE.fail;
      tally.add(fleet, i, 'fail', 1);
    } else {
      fleet.state[i] = STATE.pending;
      if (has(fleet, i, 'bricks') && this.percent() >= build.brickFromPercent)
        fleet.diesAt[i] = Math.min(fleet.diesAt[i] ?? 0, at + Math.max(1e-9, build.brickAfterHours));
    }
  }

  /** One look of the controller at `hour`; returns how the rollout ended, if it did. */
  look(hour: number, onLook: PlayOptions['onLook']): Played['end'] | undefined {
    if (this.isDown(hour - 1)) return undefined;
    const evidence: Evidence = {
      ...countEvidence(this.scenario, this.fleet, this.tally, this.step, hour - this.downHours),
      frozen: this.scenario.freezes.some(f => hour >= f.fromHour && hour < f.fromHour + f.hours),
    };
    const percent = this.percent();
    const judgement = this.judge(hour, 1, evidence);
    this.last = judgement;
    onLook?.(asLook(hour, percent, judgement, evidence));
    const { verdict } = judgement;
    if (verdict === 'halt' || verdict === 'waiting_for_person') return verdict;
    const isLast = percent === this.scenario.ramp.steps.at(-1)?.percent;
    return verdict === 'advance' && isLast && this.isFollowedUp(hour) ? 'done' : undefined;
  }

  /** Adds time to the current step, judges it, and enters the next step if allowed. */
  private judge(hour: number, servedHours: number, evidence: Evidence): Judgement {
    const { progress, judgement, entered } = lookAt(this.scenario.ramp, this.progress, {
      nowMs: hour * HOUR_MS,
      servedMs: servedHours * HOUR_MS,
      pollMs: this.scenario.fleet.pollHours * HOUR_MS,
      evidence,
      closed: false,
    });
    this.progress = progress;
    if (entered !== undefined) this.enter(entered, hour);
    return judgement;
  }

  /** Without a gate the follow-up is one day, which shows which devices take the build. */
  private isFollowedUp(hour: number): boolean {
    return this.scenario.ramp.gate !== undefined || hour - (this.entered.at(-1) ?? hour) >= 24;
  }

  result(end: Played['end'], hour: number): Played {
    const { devices } = this.scenario.fleet;
    const taken = this.tally.total('taken');
    return {
      end,
      reasons: this.last?.reasons ?? [],
      endHour: hour,
      percent: this.percent(),
      enteredHours: this.entered,
      taken,
      takenShare: devices === 0 ? 0 : taken / devices,
    };
  }
}

const asLook = (
  hour: number,
  percent: number,
  { verdict, reasons }: Judgement,
  { cohort: { taken, fail, silent } }: Evidence,
): Look => ({ hour, percent, verdict, reasons, taken, fail, silent });

const stretch = (away: AbsencePeriod | Scenario['away'][number], begin: number): AbsencePeriod => ({
  ...away,
  start: begin + away.fromHour,
  end: begin + away.fromHour + away.hours,
});
