/**
 * The files of releases/ once their schemas have passed them. Generated from *.schema.json: do not edit, run
 * `node --import tsx scripts/release-types.ts`.
 */
/**
 * releases/rollout.yaml: the one declaration of which build goes to whom.
 */
export interface Rollout {
  /**
   * The version of this format.
   */
  apiVersion: 'ota.nexmdm/v1';
  /**
   * What this file declares.
   */
  kind: 'Rollout';
  /**
   * The build being promoted: the build_id of a file under builds/.
   */
  current: string;
  /**
   * The build for all devices that are not offered current. Required unless rollout_percent is 100 and rollback is false.
   */
  last_safe?: string;
  /**
   * The percentage of the fleet that is offered current, chosen by cohort hash. Write either this or ramp.
   */
  rollout_percent?: number;
  /**
   * A rollout that widens by itself, step by step. Write either this or rollout_percent.
   */
  ramp?: {
    /**
     * The earliest start. The ramp begins at this time, or when a controller first applies it if that is later. Default: when it is first applied.
     */
    start?: string;
    /**
     * The steps in order. Percents must rise. Every step except the last needs a hold.
     *
     * @minItems 1
     * @maxItems 50
     */
    steps: {
      /**
       * The exposure during this step.
       */
      percent: number;
      /**
       * How long the step lasts before the next one begins. Time in which the controller is down, the clock is held or the rollout is suspended does not count. The last step has no end.
       */
      hold?: string;
      /**
       * required: the step is entered only after a later commit raises approved_percent to its percent.
       */
      approval?: 'required';
    }[];
    /**
     * Steps with approval: required are allowed up to this percent. Raise it in a later commit to open the next one. It never closes a step.
     */
    approved_percent?: number;
    /**
     * The health condition of the steps: the next step opens only if reports from devices support it.
     */
    gate?: {
      /**
       * The largest acceptable share of devices on which the update fails, above 0 and at most 0.1. The gate halts the build when the evidence proves a larger share.
       */
      install_fail_ratio_max?: number;
      /**
       * The number of devices that may report wrong bytes or a wrong signer. The gate halts the build when there are more and chance does not explain them.
       */
      verify_fail_max?: number;
      /**
       * The acceptable share of devices that took the build and became silent, above 0 and at most 0.1. If devices without the build are often silent too, the gate accepts more.
       */
      silence_max?: number;
      /**
       * A device that has not checked in for this long is silent. At least two poll intervals.
       */
      silence_after?: string;
      /**
       * How many devices with a known outcome each step needs. A small step needs two thirds of the devices that can take the build.
       */
      min_reports?: number;
      /**
       * How long a step may wait for evidence after its hold.
       */
      max_wait?: string;
      /**
       * What happens after max_wait with too little evidence. hold: the ramp waits for a person. proceed: the next step opens.
       */
      no_data?: 'hold' | 'proceed';
      /**
       * What the gate does on a breach. halt: current is no longer offered. rollback: in addition, last_safe is served to all devices.
       */
      on_breach?: 'halt' | 'rollback';
    };
  };
  /**
   * Text that is mixed into the cohort hash, so that each release exposes different devices first. Empty: the hash of the device id alone. It must not change while 0 < exposure < 100.
   */
  cohort_seed?: string;
  /**
   * Devices that are offered current at any percentage, also before a ramp starts.
   */
  canary?: {
    /**
     * Alias tags. Each device that has one of them is a canary.
     *
     * @maxItems 1000
     */
    tags?: string[];
    /**
     * Device ids of canaries.
     *
     * @maxItems 10000
     */
    devices?: string[];
    /**
     * Names of files in cohorts/. Their devices are canaries.
     *
     * @maxItems 100
     */
    cohorts?: string[];
  };
  /**
   * true: last_safe is served to all devices, and current to none.
   */
  rollback?: boolean;
  /**
   * true: devices may install an older version signed with the same key. Needs reason, and either rollback: true or a current older than last_safe. Android accepts a downgrade only for debuggable builds or from system and root installers.
   */
  force_downgrade?: boolean;
  /**
   * true: devices that are offered current must not let their users postpone it.
   */
  must_install?: boolean;
  /**
   * Only with must_install: how long an agent may wait for Wi-Fi, counted from when it first sees the offer.
   */
  deadline?: string;
  /**
   * true: devices download the APK only over Wi-Fi.
   */
  wifi_only?: boolean;
  /**
   * A device whose battery is below this percentage waits until it is charging.
   */
  min_battery_percent?: number;
  /**
   * Freezes all offers and pauses the ramp between since and until.
   */
  suspend?: {
    /**
     * Why the rollout is suspended. Shown on the pull request.
     */
    reason: string;
    /**
     * When the freeze begins.
     */
    since: string;
    /**
     * When the freeze ends by itself.
     */
    until: string;
  };
  /**
   * Why this change is made. Shown on the pull request. Required with force_downgrade.
   */
  reason?: string;
}

/**
 * releases/builds/<build_id>.yaml: facts about one signed APK. They never change after the merge: only withdrawn may be added and notes edited.
 */
export interface Build {
  /**
   * The version of this format.
   */
  apiVersion: 'ota.nexmdm/v1';
  /**
   * What this file declares.
   */
  kind: 'Build';
  /**
   * The name of the build in rollout.yaml, manifests and logs. It must equal the name of this file without .yaml.
   */
  build_id: string;
  /**
   * The application id of the APK. It is the same for all builds of a fleet.
   */
  package: string;
  /**
   * The versionCode of the APK, by which devices compare versions. Each build needs its own.
   */
  version_code: number;
  /**
   * The versionName of the APK, for people.
   */
  version_name: string;
  /**
   * The lowest Android API level on which this build can be installed.
   */
  min_sdk: number;
  /**
   * The size of the APK in bytes.
   */
  size_bytes: number;
  /**
   * The SHA-256 of the APK file.
   */
  sha256: string;
  /**
   * The SHA-256 of the signing certificate in DER form, for every API level that signers does not cover.
   */
  signer_fingerprint: string;
  /**
   * Only for APKs whose signer depends on the API level (APK Signature Scheme v3.1).
   *
   * @maxItems 16
   */
  signers?: {
    /**
     * The first API level at which Android uses this signer.
     */
    min_sdk: number;
    /**
     * The SHA-256 of the certificate of this signer.
     */
    fingerprint: string;
  }[];
  /**
   * Certificates of earlier keys, proven by the proof of rotation in the APK, oldest first.
   *
   * @maxItems 16
   */
  signer_lineage?: string[];
  /**
   * Free text for people. It may be changed after the merge.
   */
  notes?: string;
  /**
   * Withdraws the build for good: it is never offered again.
   */
  withdrawn?: {
    /**
     * Why the build is withdrawn.
     */
    reason: string;
    /**
     * When it was withdrawn, for the record. The withdrawal takes effect with its merge.
     */
    at: string;
  };
}

/**
 * releases/cohorts/<name>.yaml: a named list of devices, for canaries.
 */
export interface Cohort {
  /**
   * The version of this format.
   */
  apiVersion: 'ota.nexmdm/v1';
  /**
   * What this file declares.
   */
  kind: 'Cohort';
  /**
   * The name to use in canary.cohorts. It must equal the name of this file without .yaml.
   */
  name: string;
  /**
   * Alias tags. Each device that has one of them belongs to the cohort.
   *
   * @maxItems 1000
   */
  tags?: string[];
  /**
   * Device ids that belong to the cohort.
   *
   * @maxItems 10000
   */
  devices?: string[];
}

/**
 * releases/policy.yaml: guardrails for every merge. A change is checked by the policy of its base revision, so that a pull request cannot loosen the policy for itself.
 */
export interface Policy {
  /**
   * The version of this format.
   */
  apiVersion: 'ota.nexmdm/v1';
  /**
   * What this file declares.
   */
  kind: 'Policy';
  /**
   * The percentages allowed for rollout_percent and ramp steps. Default: any.
   *
   * @minItems 1
   * @maxItems 100
   */
  allowed_percents?: number[];
  /**
   * The largest increase of exposure, in percentage points, by one merge or between two steps of a ramp. Default: any.
   */
  max_jump_percent?: number;
  /**
   * The certificates with which a promoted build may be signed. Default: any.
   *
   * @minItems 1
   * @maxItems 100
   */
  pinned_signers?: string[];
  /**
   * Weekly hours in which exposure must not rise. Rolling back, lowering and suspending are always allowed.
   *
   * @maxItems 100
   */
  freeze_windows?: {
    /**
     * Why there is a freeze. Shown when the window blocks a merge.
     */
    reason: string;
    /**
     * The IANA name of the time zone for from, to and days, such as Europe/Berlin.
     */
    time_zone: string;
    /**
     * The days of the week to which the window applies.
     *
     * @minItems 1
     * @maxItems 7
     */
    days: ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[];
    /**
     * The local time at which the freeze begins.
     */
    from?: string;
    /**
     * The local time at which the freeze ends. 24:00 is midnight at the end of the day. For a freeze across midnight write two windows.
     */
    to?: string;
  }[];
  /**
   * How many approvals a change needs, by the exposure that it leads to. If several rules apply, the largest number counts.
   *
   * @maxItems 20
   */
  approvals?: {
    /**
     * The rule applies if the change leads to more exposure than this.
     */
    above_percent: number;
    /**
     * The number of approving reviews needed.
     */
    approvals: number;
  }[];
}
