/** What a gate with defaults would say of a plain percent. */
import type { Advice } from '../domain/gate/advice.ts';

export interface AdviceSource {
  /** Of the rollout in force; undefined for a ramp, and before the first count. */
  advice(): Advice | undefined;
}
