/** Effects of the state machine. */
import type { AgentEvent } from './event.ts';
import type { AgentReport, AgentState, Ask, Attempt } from './state.ts';

export type TimerName = 'poll' | 'retry' | 'report' | 'renewal';

/** An effect that `step` requests. It is performed only after the new state is durable. */
export type Effect =
  | {
      readonly type: 'check';
      readonly epoch: number;
      readonly ask: Ask;
      readonly etag: { readonly value: string; readonly versionCode: number } | undefined;
    }
  | { readonly type: 'observe' }
  | { readonly type: 'download'; readonly epoch: number; readonly attempt: Attempt }
  | { readonly type: 'verify'; readonly epoch: number; readonly attempt: Attempt }
  | { readonly type: 'install'; readonly epoch: number; readonly attempt: Attempt }
  | { readonly type: 'report'; readonly report: AgentReport }
  | { readonly type: 'renew' }
  | { readonly type: 'discard'; readonly keep: string | undefined }
  | { readonly type: 'abort' }
  | { readonly type: 'timer'; readonly name: TimerName; readonly inMs: number; readonly epoch: number }
  | { readonly type: 'emit'; readonly event: AgentEvent };

export interface Step {
  readonly state: AgentState;
  readonly effects: readonly Effect[];
}
