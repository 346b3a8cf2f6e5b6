/** What a gate with default limits would say about a rollout by plain percent. */
import type { Advice } from '../domain/gate/advice.ts';

export interface AdviceSource {
  /** Advice on the rollout in force. Undefined for a ramp, and before the first count. */
  advice(): Advice | undefined;
}
