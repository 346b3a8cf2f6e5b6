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
   * The build for everybody who is not offered current. Required unless rollout_percent is a plain 100 and rollback is false.
   */
  last_safe?: string;
  /**
   * Share of the fleet that is offered current, by cohort hash. Either this or ramp.
   */
  rollout_percent?: number;
  /**
   * A rollout that widens by itself, step by step. Either this or rollout_percent.
   */
  ramp?: {
    /**
     * Not before this moment: the ramp begins at the later of it and the moment at which a controller first applies it. Left out: when it is first applied.
     */
    start?: string;
    /**
     * The steps in order; percents must rise and every step but the last needs a hold.
     *
     * @minItems 1
     * @maxItems 50
     */
    steps: {
      /**
       * Exposure during this step.
       */
      percent: number;
      /**
       * How long the step is served before the next begins; time in which the controller is down, the clock held or the rollout suspended does not count. The last step lasts for good.
       */
      hold?: string;
      /**
       * required: the step is entered only once approved_percent, raised by a later commit, reaches its percent.
       */
      approval?: 'required';
    }[];
    /**
     * Steps that need an approval may be entered up to this percent. Raised by a later commit; it closes no step.
     */
    approved_percent?: number;
    /**
     * The health condition of each step: the next one opens only on evidence from devices.
     */
    gate?: {
      /**
       * Largest accepted share of devices that fail, above 0 and at most 0.1. Proof of more halts.
       */
      install_fail_ratio_max?: number;
      /**
       * Devices whose bytes or signer were wrong although the stored APK is right; more of them halt once chance does not explain them.
       */
      verify_fail_max?: number;
      /**
       * Smallest accepted share of devices that took the build and went quiet, above 0 and at most 0.1.
       */
      silence_max?: number;
      /**
       * A device that has not checked in for this long is silent; at least two poll intervals.
       */
      silence_after?: string;
      /**
       * Devices wanted with a known outcome in each step; small steps need two thirds of those that can take the build.
       */
      min_reports?: number;
      /**
       * How long a step whose hold is over may wait for evidence.
       */
      max_wait?: string;
      /**
       * After max_wait with too little evidence: hold asks a person, proceed goes on.
       */
      no_data?: 'hold' | 'proceed';
      /**
       * halt: nobody is offered current any more. rollback: last_safe is served to all as well.
       */
      on_breach?: 'halt' | 'rollback';
    };
  };
  /**
   * Mixed into the cohort hash, so that another release exposes other devices first. Empty: the plain hash of the device id. Fixed while 0 < exposure < 100.
   */
  cohort_seed?: string;
  /**
   * Devices that are offered current whatever the percentage, also before a ramp starts.
   */
  canary?: {
    /**
     * Every device with one of these alias tags.
     *
     * @maxItems 1000
     */
    tags?: string[];
    /**
     * Single device ids.
     *
     * @maxItems 10000
     */
    devices?: string[];
    /**
     * Names of files under cohorts/.
     *
     * @maxItems 100
     */
    cohorts?: string[];
  };
  /**
   * true: last_safe is served to all, current to nobody.
   */
  rollback?: boolean;
  /**
   * true: devices may go back to an older version signed with the same key. Needs reason, and rollback: true or a current older than last_safe. Android accepts it only on debuggable builds or from system and root installers.
   */
  force_downgrade?: boolean;
  /**
   * true: devices that are offered current should not let their users put it off.
   */
  must_install?: boolean;
  /**
   * With must_install: how long Wi-Fi may be waited for, counted from the agent's first sight of the offer.
   */
  deadline?: string;
  /**
   * true: the APK is fetched over Wi-Fi alone.
   */
  wifi_only?: boolean;
  /**
   * Below this charge a device waits until it is charging.
   */
  min_battery_percent?: number;
  /**
   * Freezes all offers, and the ramp where it stands, from since until until.
   */
  suspend?: {
    /**
     * Why; shown on the pull request.
     */
    reason: string;
    /**
     * When the freeze begins.
     */
    since: string;
    /**
     * When it ends by itself: no freeze is forgotten.
     */
    until: string;
  };
  /**
   * Free text, shown on the pull request. Required with force_downgrade.
   */
  reason?: string;
}

/**
 * releases/builds/<build_id>.yaml: facts about one signed APK. Immutable once merged; later only withdrawn may be added.
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
   * The build's name everywhere: in rollout.yaml, manifests, logs. The same as the file's name.
   */
  build_id: string;
  /**
   * The APK's application id. All builds of a fleet share it.
   */
  package: string;
  /**
   * The APK's versionCode: what devices compare. No two builds share one.
   */
  version_code: number;
  /**
   * The APK's versionName, for people.
   */
  version_name: string;
  /**
   * The lowest Android API level that may be offered this build.
   */
  min_sdk: number;
  /**
   * Length of the APK in bytes.
   */
  size_bytes: number;
  /**
   * SHA-256 of the whole APK file.
   */
  sha256: string;
  /**
   * SHA-256 of the signing certificate's DER, for every SDK that signers does not name.
   */
  signer_fingerprint: string;
  /**
   * Only for APKs whose signer differs by SDK (APK Signature Scheme v3.1).
   *
   * @maxItems 16
   */
  signers?: {
    /**
     * The API level from which this signer is the one that Android sees.
     */
    min_sdk: number;
    /**
     * SHA-256 of that signer's certificate.
     */
    fingerprint: string;
  }[];
  /**
   * Earlier keys proven by the APK's own proof of rotation, oldest first.
   *
   * @maxItems 16
   */
  signer_lineage?: string[];
  /**
   * Free text for people. The one other field that may change after the merge.
   */
  notes?: string;
  /**
   * Takes the build back for good: it is never offered again.
   */
  withdrawn?: {
    /**
     * Why.
     */
    reason: string;
    /**
     * When, for the record; the withdrawal counts from its merge.
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
   * The name by which canary.cohorts calls it. The same as the file's name.
   */
  name: string;
  /**
   * Every device with one of these alias tags.
   *
   * @maxItems 1000
   */
  tags?: string[];
  /**
   * Single device ids.
   *
   * @maxItems 10000
   */
  devices?: string[];
}

/**
 * releases/policy.yaml: guardrails that a merge must respect. Always read at the base revision, so that no pull request can loosen the policy it is judged by.
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
   * The only percentages that rollout_percent and ramp steps may name. Left out: any.
   *
   * @minItems 1
   * @maxItems 100
   */
  allowed_percents?: number[];
  /**
   * The largest rise of exposure, in percentage points, by one merge or from one ramp step to the next. Left out: any.
   */
  max_jump_percent?: number;
  /**
   * The only certificates a promoted build may be signed with. Left out: any.
   *
   * @minItems 1
   * @maxItems 100
   */
  pinned_signers?: string[];
  /**
   * Weekly hours in which exposure may not rise. Rolling back, lowering and suspending always may.
   *
   * @maxItems 100
   */
  freeze_windows?: {
    /**
     * Why; shown when the window holds a merge back.
     */
    reason: string;
    /**
     * IANA name of the zone whose clock counts, such as Europe/Berlin.
     */
    time_zone: string;
    /**
     * Days of the week on which the window is open.
     *
     * @minItems 1
     * @maxItems 7
     */
    days: ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[];
    /**
     * Local time at which it begins.
     */
    from?: string;
    /**
     * Local time at which it ends; 24:00 is midnight at the end of the day. For a window across midnight write two.
     */
    to?: string;
  }[];
  /**
   * How many reviewers a change needs, by how far it reaches. The largest number that applies counts.
   *
   * @maxItems 20
   */
  approvals?: {
    /**
     * The rule applies when the predicted exposure is above this.
     */
    above_percent: number;
    /**
     * Approving reviews needed.
     */
    approvals: number;
  }[];
}
