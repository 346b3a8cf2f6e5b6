/** The update manifest (SPEC §5). Many devices get the same one, so each is rendered once per snapshot. */
import type { Offer, Snapshot } from '../../domain/decision.ts';

export interface ManifestOptions {
  readonly publicUrl: string;
  readonly pollIntervalS: number;
}

/** A rendered manifest and its headers: name, value, name, value. */
export interface Manifest {
  readonly body: string;
  readonly headers: readonly string[];
}

type Manifests = (snapshot: Snapshot, offer: Offer) => Manifest;

function render(snapshot: Snapshot, offer: Offer, options: ManifestOptions): string {
  const { build } = offer;
  const { rollout } = snapshot;
  const deadlineMs = offer.mustInstall ? rollout.deadlineMs : undefined;
  return JSON.stringify({
    build_id: build.buildId,
    version_code: build.versionCode,
    version_name: build.versionName,
    url: `${options.publicUrl}/v1/agent/builds/${build.buildId}/apk`,
    sha256: build.sha256,
    signer_fingerprint: offer.signerFingerprint,
    signer_lineage: build.signerLineage,
    size_bytes: build.sizeBytes,
    wifi_only: rollout.wifiOnly,
    must_install: offer.mustInstall,
    deadline_s: deadlineMs === undefined ? null : Math.round(deadlineMs / 1000),
    staged_rollout_percent: offer.stagedRolloutPercent,
    cohort_seed: rollout.cohortSeed,
    eligible_by: offer.eligibleBy,
    force_downgrade: offer.forceDowngrade,
    min_battery_percent: rollout.minBatteryPercent,
    poll_interval_s: options.pollIntervalS,
    revision: snapshot.revision,
  });
}

/** Whether two offers of the same snapshot have the same manifest. */
const same = (a: Offer, b: Offer): boolean =>
  a.build === b.build &&
  a.eligibleBy === b.eligibleBy &&
  a.stagedRolloutPercent === b.stagedRolloutPercent &&
  a.forceDowngrade === b.forceDowngrade &&
  a.mustInstall === b.mustInstall &&
  a.signerFingerprint === b.signerFingerprint;

/** A ramp may change its exposure many times within one snapshot, so the oldest manifests are dropped. */
const KEPT = 32;

/** `headers` are sent with every manifest. */
export function makeManifests(options: ManifestOptions, headers: readonly string[]): Manifests {
  let of: Snapshot | undefined;
  let rendered: { offer: Offer; manifest: Manifest }[] = [];
  return (snapshot, offer) => {
    if (snapshot !== of) {
      of = snapshot;
      rendered = [];
    }
    for (const { offer: before, manifest } of rendered) if (same(before, offer)) return manifest;
    const body = render(snapshot, offer, options);
    const length = ['Content-Length', String(Buffer.byteLength(body))];
    const manifest = { body, headers: [...headers, ...length] };
    rendered.unshift({ offer, manifest });
    if (rendered.length > KEPT) rendered.pop();
    return manifest;
  };
}
