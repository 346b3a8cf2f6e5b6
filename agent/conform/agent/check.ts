/** What a check of an agent is. */
import type { Bench } from './bench.ts';

export interface AgentCheck {
  readonly name: string;
  /** What the protocol asks for, in a sentence. */
  readonly clause: string;
  run(bench: Bench): Promise<void>;
}
