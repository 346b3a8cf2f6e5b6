/** Which APKs are referenced: by the applied revision, earlier builds, a refused revision, or open pull requests. */
import {
  type ArtifactUse,
  type ArtifactUses,
  PROPOSED_KEY,
  type ProposedArtifacts,
} from '../domain/artifact-use.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { ArtifactUseSource, DesiredStore, KeyValueStore } from '../ports/index.ts';

export const artifactUses = ({
  desired,
  values,
}: {
  readonly desired: Pick<DesiredStore, 'applied' | 'attempted'>;
  readonly values: Pick<KeyValueStore, 'get'>;
}): ArtifactUseSource => ({
  uses: async () => {
    const applied = await desired.applied();
    if (applied === undefined) return undefined;
    const found = new Map<Sha256, ArtifactUse[]>();
    const add = (sha256: Sha256, use: ArtifactUse): void => {
      found.set(sha256, [...(found.get(sha256) ?? []), use]);
    };
    const { rollout, builds } = applied.state;
    for (const { buildId, sha256 } of builds.values()) {
      const kind =
        buildId === rollout.current ? 'current' : buildId === rollout.lastSafe ? 'last_safe' : 'declared';
      add(sha256, { kind, name: buildId });
    }
    for (const { buildId, sha256 } of applied.formerBuilds.values())
      add(sha256, { kind: 'former', name: buildId });
    const attempted = await desired.attempted();
    if (attempted !== undefined && attempted.revision !== applied.revision)
      for (const sha256 of attempted.artifacts ?? [])
        add(sha256, { kind: 'attempted', name: attempted.revision });
    const proposed = JSON.parse((await values.get(PROPOSED_KEY)) ?? '{}') as ProposedArtifacts;
    for (const [pull, named] of Object.entries(proposed))
      for (const sha256 of named) add(sha256, { kind: 'proposed', name: `#${pull}` });
    return found satisfies ArtifactUses;
  },
});
