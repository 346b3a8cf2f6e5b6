/** Why a stored APK must be kept: what refers to it. Pure. */
import type { Sha256 } from './ids.ts';
import { roleOf } from './layout.ts';

export const ARTIFACT_USES = ['current', 'last_safe', 'declared', 'former', 'attempted', 'proposed'] as const;

export interface ArtifactUse {
  /**
   * `declared`: a build of the applied revision that is not offered now; `former`: one whose file is gone; `attempted`: a
   * build of the newest revision, which was refused; `proposed`: a build of an open pull request.
   */
  readonly kind: (typeof ARTIFACT_USES)[number];
  /** A build id, a revision, or `#12`. */
  readonly name: string;
}

/** Store key for the APKs that only open pull requests name, by pull request number. */
export const PROPOSED_KEY = 'artifacts.proposed';
export type ProposedArtifacts = Readonly<Record<string, readonly Sha256[]>>;

export type ArtifactUses = ReadonlyMap<Sha256, readonly ArtifactUse[]>;

/**
 * The APKs that the build files of a tree name. Also works on an invalid tree: its APKs must not be collected while
 * somebody repairs it.
 */
export function artifactsNamedIn(
  files: readonly { readonly path: string; readonly content?: Buffer }[],
): Sha256[] {
  const named = new Set<Sha256>();
  for (const { path, content } of files) {
    const role = roleOf(path);
    if (content === undefined || role.role !== 'declares' || role.kind !== 'Build') continue;
    for (const [, sha256 = ''] of content.toString('utf8').matchAll(/^sha256:\s*["']?([0-9a-f]{64})\b/gm))
      named.add(sha256);
  }
  return [...named].sort();
}

/** `b42 (current), proposed by #12` */
export const usesText = (uses: readonly ArtifactUse[]): string =>
  uses
    .map(({ kind, name }) =>
      kind === 'proposed'
        ? `proposed by ${name}`
        : kind === 'attempted'
          ? `named by revision ${name.slice(0, 12)}`
          : `${name} (${kind.replace('_', ' ')})`,
    )
    .join(', ');
