/** Stops what is offered, and lets it go on, without Git; each call is audited. */
import type { Halt } from '../domain/halt.ts';
import type { DeviceId } from '../domain/ids.ts';

export interface Brake {
  /** Faults `not_ready`, `brake_nothing`. Pressed twice it stays as it was. */
  press(how: {
    readonly by: string;
    readonly reason: string;
  }): Promise<{ readonly halt: Halt; readonly pressed: boolean }>;
  /** Lifts what stops `current`, or answers a gate that asks for a person. Faults `not_ready`, `resume_nothing`, `scope_missing`. */
  resume(how: {
    readonly by: string;
    readonly reason: string;
    /** Devices that are no evidence against the build from now on. */
    readonly without: readonly DeviceId[];
    readonly mayLiftGate: boolean;
  }): Promise<{ readonly lifted: readonly Halt[] }>;
}
