/** What a check of an agent is. */
import type { Bench } from './bench.ts';

export interface AgentCheck {
  readonly name: string;
  /** What the protocol asks for, in a sentence. */
  readonly clause: string;
  /** The wrong agent that this check is there for; the tests have one of this name, and show that it fails. */
  readonly catches: string;
  run(bench: Bench): Promise<void>;
}
