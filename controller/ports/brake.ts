/** Stops and resumes the rollout without Git. Each call is audited. */
import type { Halt } from '../domain/halt.ts';
import type { DeviceId } from '../domain/ids.ts';

export interface Brake {
  /** Idempotent. Faults `not_ready`, `brake_nothing`. */
  press(how: {
    readonly by: string;
    readonly reason: string;
  }): Promise<{ readonly halt: Halt; readonly pressed: boolean }>;
  /**
   * Lifts the halts of `current`, or confirms a gate that waits for a person. Faults `not_ready`, `resume_nothing`,
   * `scope_missing`.
   */
  resume(how: {
    readonly by: string;
    readonly reason: string;
    /** Devices that no longer count as evidence against the build. */
    readonly without: readonly DeviceId[];
    readonly mayLiftGate: boolean;
  }): Promise<{ readonly lifted: readonly Halt[] }>;
}
