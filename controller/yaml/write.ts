/** The YAML text of a new build file: what `ota build add` puts under `releases/builds/`. */
import { stringify } from 'yaml';
import { API_VERSION } from '../domain/layout.ts';
import { timeText } from '../domain/plan/words.ts';
import type { Build } from '../domain/release.ts';

const MODELINE = '# yaml-language-server: $schema=../../schemas/build.schema.json\n';

/** `builds/<build_id>.yaml` with keys in the order of SPEC §2. Optional keys without a value are left out. */
export function buildYaml(build: Build): string {
  const wire = {
    apiVersion: API_VERSION,
    kind: 'Build',
    build_id: build.buildId,
    package: build.package,
    version_code: build.versionCode,
    version_name: build.versionName,
    min_sdk: build.minSdk,
    size_bytes: build.sizeBytes,
    sha256: build.sha256,
    signer_fingerprint: build.signerFingerprint,
    ...(build.signers.length > 0 && {
      signers: build.signers.map(s => ({ min_sdk: s.minSdk, fingerprint: s.fingerprint })),
    }),
    ...(build.signerLineage.length > 0 && { signer_lineage: build.signerLineage }),
    ...(build.notes !== undefined && { notes: build.notes }),
    ...(build.withdrawn !== undefined && {
      withdrawn: { reason: build.withdrawn.reason, at: timeText(build.withdrawn.atMs) },
    }),
  };
  return MODELINE + stringify(wire, { lineWidth: 0, version: '1.2', schema: 'core' });
}
