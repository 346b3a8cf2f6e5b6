/** What a step of this size can prove: the arithmetic behind `gate_undecidable` and the plan's lines about it. */
import { lnEValue } from './e-value.ts';
import type { Gate } from './gate.ts';
import { HALT_AT, reaches } from './proof.ts';

interface Decidable {
  /** Failures that halt the build once all `devices` took it; undefined: even if all fail, it does not halt. */
  readonly failuresToHalt: number | undefined;
  /**
   * The smallest share of failing devices at which this step halts in four cases of five; undefined: never.
   * A build that fails less often is likelier to pass this step than to be halted in it.
   */
  readonly likelyHaltedAt: number | undefined;
}

const POWER = 0.8;

/** `devices`: exposed devices that can take the build, of this step and of those before it. */
export function decidableAt(gate: Gate, devices: number): Decidable {
  const failuresToHalt = fewestFailures(devices, gate.installFailRatioMax);
  return {
    failuresToHalt,
    likelyHaltedAt: failuresToHalt === undefined ? undefined : shareWith(devices, failuresToHalt),
  };
}

export const isUndecidable = (gate: Gate, devices: number): boolean =>
  fewestFailures(devices, gate.installFailRatioMax) === undefined;

/** More failures among the same devices are never weaker evidence, so a binary search finds the minimum. */
function fewestFailures(devices: number, limit: number): number | undefined {
  const halts = (x: number): boolean => reaches(lnEValue(x, devices, limit), HALT_AT);
  if (devices < 1 || !halts(devices)) return undefined;
  let [no, yes] = [0, devices];
  while (yes - no > 1) {
    const middle = Math.floor((no + yes) / 2);
    if (halts(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}

/** The share at which at least `least` of `devices` fail with a chance of {@link POWER}, to a tenth of a percent. */
function shareWith(devices: number, least: number): number {
  let [no, yes] = [0, 1];
  while (yes - no > 0.0005) {
    const middle = (no + yes) / 2;
    if (chanceOfFewer(devices, least, middle) <= 1 - POWER) yes = middle;
    else no = middle;
  }
  return Math.ceil(yes * 1_000) / 1_000;
}

/** P(X < least) for a binomial X and a share in (0, 1), summed in logarithms. */
function chanceOfFewer(devices: number, least: number, share: number): number {
  let ln = devices * Math.log1p(-share);
  let sum = Math.exp(ln);
  for (let x = 1; x < least; x++) {
    ln += Math.log((devices - x + 1) / x) + Math.log(share) - Math.log1p(-share);
    sum += Math.exp(ln);
  }
  return Math.min(1, sum);
}
