/** The four kinds as they stand in YAML, once their schema has passed them: snake_case, optional where it may be left out. */

export interface WireSuspend {
  reason: string;
  since: string;
  until: string;
}

export interface WireStep {
  percent: number;
  hold?: string;
  approval?: string;
}

export interface WireRollout {
  current: string;
  last_safe?: string;
  rollout_percent?: number;
  ramp?: { start?: string; steps: WireStep[]; gate?: object };
  cohort_seed?: string;
  canary?: { tags?: string[]; devices?: string[]; cohorts?: string[] };
  rollback?: boolean;
  force_downgrade?: boolean;
  must_install?: boolean;
  deadline?: string;
  wifi_only?: boolean;
  min_battery_percent?: number;
  suspend?: WireSuspend;
  reason?: string;
}

export interface WireBuild {
  build_id: string;
  package: string;
  version_code: number;
  version_name: string;
  min_sdk: number;
  size_bytes: number;
  sha256: string;
  signer_fingerprint: string;
  signers?: { min_sdk: number; fingerprint: string }[];
  signer_lineage?: string[];
  notes?: string;
  withdrawn?: { reason: string; at: string };
}

export interface WireCohort {
  name: string;
  tags?: string[];
  devices?: string[];
}

export interface WirePolicy {
  allowed_percents?: number[];
  max_jump_percent?: number;
  pinned_signers?: string[];
  freeze_windows?: { reason: string; time_zone: string; days: string[]; from?: string; to?: string }[];
  approvals?: { above_percent: number; approvals: number }[];
}
