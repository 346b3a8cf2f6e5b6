/** The model of fleet, build and environment for `ota simulate --gate` and the bench. Times are in hours. */
import { HOUR_MS } from '../domain/duration.ts';
import { DEFAULT_GATE } from '../domain/gate/gate.ts';
import type { Ramp, RampStep } from '../domain/release.ts';

export interface FleetModel {
  /** Enrolled devices, canaries not included. */
  readonly devices: number;
  readonly canaries: number;
  readonly pollHours: number;
  /** Each poll is up to this share of the interval early or late. */
  readonly pollSpread: number;
  /** Enrolled devices that never check in. */
  readonly awayShare: number;
  /** Devices that are off from 22 to 6 o'clock. */
  readonly nightShare: number;
  /** Polls at which an offer is deferred: Wi-Fi, battery, a call. */
  readonly deferShare: number;
  /** Devices that a nudge reaches when a step opens, if they are on. */
  readonly nudgedShare: number;
  /** Devices that disappear each day and never return, whichever build they run. */
  readonly vanishPerDay: number;
}

export interface BuildModel {
  /** Devices on which the install fails, however often it is tried. */
  readonly failShare: number;
  /** Devices whose download has wrong bytes. */
  readonly verifyShare: number;
  /** Devices that go silent once they took the build. */
  readonly brickShare: number;
  readonly brickAfterHours: number;
  /** Only devices that take the build at this percent or later are bricked; 0 means all. */
  readonly brickFromPercent: number;
  readonly canaryFailShare: number;
}

/** A period in which devices or the controller are away. It begins this long after the ramp begins or the last step opens. */
export interface Absence {
  readonly who: 'devices' | 'network' | 'controller' | 'canaries';
  readonly share: number;
  readonly fromHour: number;
  readonly hours: number;
  readonly from: 'start' | 'last_step';
}

/** Hours of the ramp in which the exposure must not increase. */
interface Freeze {
  readonly fromHour: number;
  readonly hours: number;
}

export interface StepModel extends RampStep {
  /** Number of devices exposed by their buckets; undefined: the number that the percent gives. */
  readonly devices?: number;
}

interface RampModel extends Ramp {
  readonly steps: readonly StepModel[];
}

export interface Scenario {
  readonly fleet: FleetModel;
  readonly build: BuildModel;
  readonly ramp: RampModel;
  readonly away: readonly Absence[];
  readonly freezes: readonly Freeze[];
  /** Hour of the day at which the ramp begins. */
  readonly beginsAtHour: number;
  /** How long before the first step canaries have the build. */
  readonly leadHours: number;
  readonly horizonHours: number;
}

export const TYPICAL_FLEET: FleetModel = {
  devices: 5_000,
  canaries: 0,
  pollHours: 6,
  pollSpread: 0.1,
  awayShare: 0.1,
  nightShare: 0.2,
  deferShare: 0.25,
  nudgedShare: 0,
  vanishPerDay: 0,
};

export const GOOD_BUILD: BuildModel = {
  failShare: 0,
  verifyShare: 0,
  brickShare: 0,
  brickAfterHours: 0,
  brickFromPercent: 0,
  canaryFailShare: 0,
};

const TYPICAL_STEPS = [
  [1, 12],
  [5, 12],
  [10, 24],
  [25, 24],
  [50, 24],
  [100, undefined],
] as const;

export const TYPICAL_RAMP: RampModel = {
  steps: TYPICAL_STEPS.map(([percent, hold]) => ({
    percent,
    holdMs: hold === undefined ? undefined : hold * HOUR_MS,
  })),
  startMs: undefined,
  gate: DEFAULT_GATE,
};

export const TYPICAL: Scenario = {
  fleet: TYPICAL_FLEET,
  build: GOOD_BUILD,
  ramp: TYPICAL_RAMP,
  away: [],
  freezes: [],
  beginsAtHour: 14,
  leadHours: 0,
  horizonHours: 24 * 28,
};
