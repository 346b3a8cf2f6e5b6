/** A check of an agent. */
import type { Bench } from './bench.ts';

export interface AgentCheck {
  readonly name: string;
  /** The requirement of the protocol, in one sentence. */
  readonly clause: string;
  /** The wrong agent that this check catches; the tests contain an agent of this name and show that it fails. */
  readonly catches: string;
  run(bench: Bench): Promise<void>;
}
