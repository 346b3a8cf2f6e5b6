/** The update manifest of SPEC §5 as the agent accepts it: all fields present and bounded, no others. */
import { Ajv, type JSONSchemaType } from 'ajv';
import type { EligibleBy } from '../controller/domain/decision.ts';
import { type BuildId, isBuildId, type Revision, type Sha256 } from '../controller/domain/ids.ts';

/** Sizes in bytes, durations in milliseconds. */
export interface Offer {
  readonly buildId: BuildId;
  readonly versionCode: number;
  readonly versionName: string;
  readonly url: string;
  readonly sha256: Sha256;
  readonly signerFingerprint: Sha256;
  readonly signerLineage: readonly Sha256[];
  readonly sizeBytes: number;
  readonly wifiOnly: boolean;
  readonly mustInstall: boolean;
  readonly deadlineMs: number | undefined;
  readonly stagedRolloutPercent: number;
  readonly cohortSeed: string;
  readonly eligibleBy: EligibleBy;
  readonly forceDowngrade: boolean;
  readonly minBatteryPercent: number;
  readonly pollIntervalMs: number;
  readonly revision: Revision;
}

/** True if both offers have the same bytes and signer; only then may the verified APK be installed. */
export const sameApk = (a: Offer, b: Offer): boolean =>
  a.buildId === b.buildId &&
  a.sha256 === b.sha256 &&
  a.versionCode === b.versionCode &&
  a.signerFingerprint === b.signerFingerprint;

interface WireOffer {
  build_id: string;
  version_code: number;
  version_name: string;
  url: string;
  sha256: string;
  signer_fingerprint: string;
  signer_lineage: string[];
  size_bytes: number;
  wifi_only: boolean;
  must_install: boolean;
  deadline_s: number | null;
  staged_rollout_percent: number;
  cohort_seed: string;
  eligible_by: string;
  force_downgrade: boolean;
  min_battery_percent: number;
  poll_interval_s: number;
  revision: string;
}

/** The largest APK an agent accepts: 2 GiB, Android's own limit. */
const MAX_APK_BYTES = 2 ** 31;
export const MAX_MANIFEST_BYTES = 64 * 1024;

const hex = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;

const properties = {
  build_id: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' },
  version_code: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
  version_name: { type: 'string', minLength: 1, maxLength: 128 },
  url: { type: 'string', minLength: 1, maxLength: 2048 },
  sha256: hex,
  signer_fingerprint: hex,
  signer_lineage: { type: 'array', items: hex, maxItems: 32 },
  size_bytes: { type: 'integer', minimum: 1, maximum: MAX_APK_BYTES },
  wifi_only: { type: 'boolean' },
  must_install: { type: 'boolean' },
  deadline_s: { type: 'integer', minimum: 0, maximum: 31_536_000, nullable: true },
  staged_rollout_percent: { type: 'number', minimum: 0, maximum: 100 },
  cohort_seed: { type: 'string', maxLength: 128 },
  eligible_by: { type: 'string', enum: ['canary', 'rollout', 'baseline', 'rollback'] },
  force_downgrade: { type: 'boolean' },
  min_battery_percent: { type: 'integer', minimum: 0, maximum: 100 },
  poll_interval_s: { type: 'integer', minimum: 1, maximum: 604_800 },
  revision: { type: 'string', minLength: 1, maxLength: 128 },
} as const;

/** JSON Schema of the answer to an update check; the controller may add no field without a new agent. */
const OFFER_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
};

const isWireOffer = new Ajv().compile<WireOffer>(OFFER_SCHEMA as unknown as JSONSchemaType<WireOffer>);

type ParsedOffer =
  | { readonly ok: true; readonly offer: Offer }
  | { readonly ok: false; readonly detail: string; readonly buildId: BuildId | undefined };

/** Never throws: for an invalid manifest the result names the first wrong field. */
export function parseOffer(text: string): ParsedOffer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, detail: 'not JSON', buildId: undefined };
  }
  if (isWireOffer(value)) return { ok: true, offer: fromWire(value) };
  const [error] = isWireOffer.errors ?? [];
  const field =
    error?.params.additionalProperty ?? error?.params.missingProperty ?? error?.instancePath ?? '';
  const named =
    value !== null && typeof value === 'object' && 'build_id' in value ? value.build_id : undefined;
  return {
    ok: false,
    detail: `${String(field)} ${error?.keyword ?? 'invalid'}`.trim().slice(0, 120),
    buildId: typeof named === 'string' && isBuildId(named) ? named : undefined,
  };
}

function fromWire(wire: WireOffer): Offer {
  return {
    buildId: wire.build_id,
    versionCode: wire.version_code,
    versionName: wire.version_name,
    url: wire.url,
    sha256: wire.sha256,
    signerFingerprint: wire.signer_fingerprint,
    signerLineage: wire.signer_lineage,
    sizeBytes: wire.size_bytes,
    wifiOnly: wire.wifi_only,
    mustInstall: wire.must_install,
    deadlineMs: wire.deadline_s === null ? undefined : wire.deadline_s * 1000,
    stagedRolloutPercent: wire.staged_rollout_percent,
    cohortSeed: wire.cohort_seed,
    eligibleBy: wire.eligible_by as EligibleBy,
    forceDowngrade: wire.force_downgrade,
    minBatteryPercent: wire.min_battery_percent,
    pollIntervalMs: wire.poll_interval_s * 1000,
    revision: wire.revision,
  };
}
