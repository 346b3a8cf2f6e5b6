/** The input and the result of an edit of the desired state. */
import type { BuildId } from '../../domain/ids.ts';
import { nearest } from '../../domain/nearest.ts';
import type { Build, Cohort, Rollout } from '../../domain/release.ts';
import type { Fields, PolicyFields, RolloutFields } from '../edit.ts';
import type { WirePolicy, WireRollout } from '../wire.ts';

export interface EditInput {
  /** The rollout being edited. */
  readonly rollout: Rollout;
  /** The same rollout as written in the file, so that unchanged values keep their spelling. */
  readonly wire: WireRollout;
  readonly policy: WirePolicy | undefined;
  /** The merged rollout, and the share of buckets (0–100) that it offers `current` to now; 0 under rollback. */
  readonly merged: { readonly rollout: Rollout; readonly percent: number };
  /** Builds and cohorts declared in the tree being edited. */
  readonly builds: ReadonlyMap<BuildId, Build>;
  readonly cohorts: ReadonlyMap<string, Cohort>;
}

/** New values of some keys of one file under `releases/`; policy.yaml may not exist yet. */
export type FileEdit =
  | { readonly file: 'rollout.yaml'; readonly fields: RolloutFields }
  | { readonly file: 'policy.yaml'; readonly fields: PolicyFields }
  | { readonly file: `builds/${string}.yaml`; readonly fields: Fields };

export type ChangeResult =
  | {
      readonly ok: true;
      readonly edits: readonly FileEdit[];
      /** One line in the imperative, for a commit subject or a pull request's title. */
      readonly title: string;
      /** Side effects that the user should know about. */
      readonly notes: readonly string[];
    }
  | {
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    };

export const refuse = (code: string, message: string, hint?: string): ChangeResult => ({
  ok: false,
  code,
  message,
  hint,
});

export const editOf = (
  title: string,
  fields: RolloutFields,
  notes: readonly string[] = [],
): ChangeResult => ({ ok: true, title, notes, edits: [{ file: 'rollout.yaml', fields }] });

export function unknownBuild({ builds }: Pick<EditInput, 'builds'>, buildId: BuildId): ChangeResult {
  const close = nearest(buildId, builds.keys());
  // b44 is as near to b41 as to b43, so suggest a build only if no other is as near.
  const lone =
    close !== undefined &&
    nearest(
      buildId,
      [...builds.keys()].filter(id => id !== close),
    ) === undefined;
  const known = [...builds.keys()].sort().join(', ') || 'none; declare one with: ota build add app.apk';
  return refuse(
    'unknown_build',
    `no build ${buildId} is declared under builds/`,
    !lone ? `declared builds: ${known}` : `did you mean ${close}? Declared builds: ${known}`,
  );
}
