/** The modelled devices: one array per property, ordered by the step that exposes them, canaries last. */

import type { Absence, Scenario } from './simulation-model.ts';
import { type Random, randomOf } from './simulation-random.ts';

export const STATE = { none: 0, pending: 1, ok: 2, fail: 3, verifyFail: 4 } as const;
const TRAIT = { night: 1, fails: 2, verifyFails: 4, bricks: 8, nudged: 16, weekend: 32 } as const;
const NEVER = Number.POSITIVE_INFINITY;

export interface Fleet {
  readonly size: number;
  readonly canariesFrom: number;
  /** Devices below `ends[i]` are exposed at step i. */
  readonly ends: readonly number[];
  readonly state: Uint8Array;
  readonly followed: Uint8Array;
  readonly deferred: Uint8Array;
  /** In hours of controller uptime; −∞ means never. */
  readonly takenAt: Float64Array;
  readonly lastSeen: Float64Array;
  /** In hours of real time. */
  readonly nextPoll: Float64Array;
  readonly diesAt: Float64Array;
  readonly traits: Uint8Array;
  readonly random: Random;
}

/** Where each step ends in the fleet, absent devices included; the first step holds at least one active device. */
function layOut({ fleet, ramp }: Scenario): { ends: number[]; active: boolean[] } {
  const absent = Math.round(fleet.devices * fleet.awayShare);
  const present = fleet.devices - absent;
  const ends: number[] = [];
  const active: boolean[] = [];
  let [a, b] = [0, 0];
  for (const [i, step] of ramp.steps.entries()) {
    const share = step.devices === undefined ? step.percent / 100 : step.devices / Math.max(1, fleet.devices);
    const least = i === 0 && share > 0 ? Math.min(1, present) : 0;
    const toA = Math.max(a, least, Math.round(present * share));
    const ofAbsent = step.devices === undefined ? Math.round(absent * share) : step.devices - toA;
    const toB = Math.min(absent, Math.max(b, ofAbsent));
    for (; a < toA; a++) active.push(true);
    for (; b < toB; b++) active.push(false);
    ends.push(active.length);
  }
  for (; a < present; a++) active.push(true);
  for (; b < absent; b++) active.push(false);
  return { ends, active };
}

export function makeFleet(scenario: Scenario, seed: number): Fleet {
  const { fleet, leadHours } = scenario;
  const random = randomOf(seed);
  const { ends, active } = layOut(scenario);
  const size = fleet.devices + fleet.canaries;
  const made: Fleet = {
    size,
    canariesFrom: fleet.devices,
    ends,
    state: new Uint8Array(size),
    followed: new Uint8Array(size),
    deferred: new Uint8Array(size),
    takenAt: new Float64Array(size).fill(-NEVER),
    lastSeen: new Float64Array(size).fill(-NEVER),
    nextPoll: new Float64Array(size).fill(NEVER),
    diesAt: new Float64Array(size).fill(NEVER),
    traits: new Uint8Array(size),
    random,
  };
  for (let i = 0; i < size; i++) {
    if (i < fleet.devices && active[i] === false) continue;
    const wait = random.between(0, fleet.pollHours);
    made.nextPoll[i] = wait - leadHours;
    made.lastSeen[i] = wait - leadHours - fleet.pollHours;
    made.traits[i] = traitsOf(scenario, i >= fleet.devices, random);
    if (fleet.vanishPerDay > 0)
      made.diesAt[i] = (-Math.log(1 - random.next()) / fleet.vanishPerDay) * 24 - leadHours;
  }
  return made;
}

function traitsOf({ fleet, build, away }: Scenario, isCanary: boolean, random: Random): number {
  const off = away.find(a => a.who === 'devices')?.share ?? 0;
  const failShare = isCanary ? build.canaryFailShare : build.failShare;
  return (
    (random.chance(isCanary ? 0 : fleet.nightShare) ? TRAIT.night : 0) |
    (random.chance(failShare) ? TRAIT.fails : 0) |
    (random.chance(build.verifyShare) ? TRAIT.verifyFails : 0) |
    (random.chance(build.brickShare) ? TRAIT.bricks : 0) |
    (random.chance(fleet.nudgedShare) ? TRAIT.nudged : 0) |
    (random.chance(off) ? TRAIT.weekend : 0)
  );
}

export const has = (fleet: Fleet, i: number, trait: keyof typeof TRAIT): boolean =>
  ((fleet.traits[i] ?? 0) & TRAIT[trait]) !== 0;

/** A period of absence in hours of real time. Both ends are NaN until the step that it follows is open. */
export interface AbsencePeriod extends Absence {
  readonly start: number;
  readonly end: number;
}

/** Until when device `i`, at time `t`, is off; undefined if it is on. `lost`: the device is on, but this poll fails. */
export function offUntil(
  fleet: Fleet,
  i: number,
  t: number,
  clockHour: number,
  stretches: readonly AbsencePeriod[],
): number | 'lost' | undefined {
  for (const stretch of stretches) {
    if (!(t >= stretch.start && t < stretch.end)) continue;
    if (stretch.who === 'network' || stretch.who === 'controller') return 'lost';
    const isOff = stretch.who === 'canaries' ? i >= fleet.canariesFrom : has(fleet, i, 'weekend');
    if (isOff) return stretch.end;
  }
  if (!has(fleet, i, 'night')) return undefined;
  const hour = (((t + clockHour) % 24) + 24) % 24;
  if (hour >= 22) return t + (30 - hour);
  return hour < 6 ? t + (6 - hour) : undefined;
}
