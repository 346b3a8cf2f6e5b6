/** What the state machine asks for. */
import type { AgentEvent } from './event.ts';
import type { AgentReport, AgentState, Ask, Attempt } from './state.ts';

export type TimerName = 'poll' | 'retry' | 'report' | 'renewal';

/** What `step` asks for; performed only after the state that asked for it is durable. */
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
