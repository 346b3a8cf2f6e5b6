/** Writes into `rollout.yaml` what a halt has already done, with its reason. Pure. */
import { type Halt, isClosedByGit } from '../domain/halt.ts';
import type { DesiredState } from '../domain/release.ts';
import { editRollout } from './edit.ts';

type Narrowed =
  /** The file already says so. */
  | { readonly kind: 'said' }
  /** Another build is `current`. The halt applies again if its build becomes `current` again. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'edit'; readonly text: string };

/** The schema's limit of `reason`. */
const REASON_CHARS = 1000;

/**
 * `on_breach: rollback` writes `rollback: true`, everything else writes `rollout_percent: 0`. Canaries stay listed: the
 * halt keeps the build from them until a commit widens the rollout. Fault `edit_impossible` if the text is not one YAML
 * mapping.
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

/** One line that says who stopped the rollout and why. The text may come from an operator. */
function reasonOf({ kind, by, reason }: Halt): string {
  const who = kind === 'gate' ? 'the gate was breached' : `braked by ${by}`;
  return `${who}: ${reason}`.replace(/\s+/g, ' ').slice(0, REASON_CHARS);
}
