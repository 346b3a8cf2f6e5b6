/** What a halt has done already, said in `rollout.yaml`: the narrowest that its kind allows, with the reason. Pure. */
import { type Halt, isClosedByGit } from '../domain/halt.ts';
import type { DesiredState } from '../domain/release.ts';
import { editRollout } from './edit.ts';

export type Narrowed =
  /** The file says as much already. */
  | { readonly kind: 'said' }
  /** Another build is `current`: the halt waits for the day that its build returns. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'edit'; readonly text: string };

/** The schema's limit of `reason`. */
const REASON_CHARS = 1000;

/**
 * `on_breach: rollback` says `rollback: true`, everything else `rollout_percent: 0`. Canaries stay listed: a halt keeps
 * them from the build until a commit widens again. Fault `edit_impossible` when the text is not one YAML mapping.
 */
export function narrowRollout(
  text: string,
  { rollout, builds }: Pick<DesiredState, 'rollout' | 'builds'>,
  halt: Halt,
): Narrowed {
  if (rollout.current !== halt.buildId) return { kind: 'elsewhere' };
  if (isClosedByGit(rollout)) return { kind: 'said' };
  const reason = reasonOf(halt);
  const { lastSafe } = rollout;
  const isServable = lastSafe !== undefined && builds.get(lastSafe)?.withdrawn === undefined;
  const fields =
    halt.mode === 'rollback' && isServable
      ? { rollback: true, reason }
      : { rollout_percent: 0, ramp: undefined, reason };
  return { kind: 'edit', text: editRollout(text, fields) };
}

/** One line that says who stopped it and why; the text may come from an operator. */
function reasonOf({ kind, by, reason }: Halt): string {
  const who = kind === 'gate' ? 'the gate was breached' : `braked by ${by}`;
  return `${who}: ${reason}`.replace(/\s+/g, ' ').slice(0, REASON_CHARS);
}
