/** Stored APKs for the HTTP face: which builds use them, and reports of changes. */
import type { Admission } from '../artifacts/admission.ts';
import type { Artifacts, ArtifactUseSource, BuildExaminer, DesiredStore } from '../ports/index.ts';
import { artifactUses } from '../watch/artifact-uses.ts';
import type { Foundation } from './foundation.ts';

export const namedArtifacts = ({ store }: Pick<Foundation, 'store'>): ArtifactUseSource =>
  artifactUses({ desired: store.desired, values: store.keyValues });

/** Builds are compared with what is applied now. */
export const examinerOf = (
  admission: Pick<Admission, 'examine'>,
  desired: Pick<DesiredStore, 'applied'>,
): BuildExaminer => ({
  examine: async builds => admission.examine(builds, await desired.applied()),
});

/** Reports changes of the stored APKs: they turn the checks of open pull requests green or red. */
export const reportingChanges = (artifacts: Artifacts, changed: () => void): Artifacts => ({
  ...artifacts,
  put: async (...args) => {
    const stored = await artifacts.put(...args);
    if (stored.created || stored.repaired) changed();
    return stored;
  },
  delete: async sha256 => {
    const freed = await artifacts.delete(sha256);
    if (freed !== undefined) changed();
    return freed;
  },
});
