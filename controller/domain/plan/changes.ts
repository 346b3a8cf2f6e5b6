/** The differences between two desired states, field by field, under their YAML names. Device ids never appear. */
import { durationText } from '../duration.ts';
import type { Build, Cohort, DesiredState, FreezeWindow, Policy, Rollout } from '../release.ts';
import { bytesText, countText, shortHex, timeText } from './words.ts';

export type ChangeValue = string | number | boolean | undefined;

export interface Change {
  /** Relative to `releases/`. */
  readonly file: string;
  /** `ramp.steps`; empty when the whole file was added or removed. */
  readonly path: string;
  /** Undefined: not present. */
  readonly before: ChangeValue;
  readonly after: ChangeValue;
}

/** The fields of an object under their YAML names; `satisfies FieldsOf<T>` makes sure that none is forgotten. */
type Fields<T> = readonly (readonly [path: string, value: (thing: T) => ChangeValue])[];
type FieldsOf<T> = { readonly [K in keyof T]-?: Fields<T> };

const list = (values: readonly (string | number)[] | undefined): ChangeValue =>
  values === undefined || values.length === 0 ? undefined : [...values].sort(inOrder).join(', ');
/** Numbers by their size: 5 comes before 10. */
const inOrder = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : String(a) < String(b) ? -1 : 1;
const duration = (ms: number | undefined): ChangeValue => (ms === undefined ? undefined : durationText(ms));
const time = (ms: number | undefined): ChangeValue => (ms === undefined ? undefined : timeText(ms));
const rampOf = ({ exposure }: Rollout) => (exposure.kind === 'ramp' ? exposure.ramp : undefined);

function stepsText(rollout: Rollout): ChangeValue {
  const steps = rampOf(rollout)?.steps.map(s =>
    s.holdMs === undefined ? `${s.percent} %` : `${s.percent} % for ${durationText(s.holdMs)}`,
  );
  return steps?.join(', ');
}

function gateText(rollout: Rollout): ChangeValue {
  const gate = rampOf(rollout)?.gate;
  if (gate === undefined) return undefined;
  return [
    `fail ${gate.installFailRatioMax}`,
    `verify ${gate.verifyFailMax}`,
    `silence ${gate.silenceMax} after ${durationText(gate.silenceAfterMs)}`,
    countText(gate.minReports, 'report'),
    `${durationText(gate.maxWaitMs)} at most, then ${gate.noData}`,
    `breach: ${gate.onBreach}`,
  ].join(', ');
}

const ROLLOUT = {
  current: [['current', r => r.current]],
  lastSafe: [['last_safe', r => r.lastSafe]],
  exposure: [
    ['rollout_percent', r => (r.exposure.kind === 'percent' ? r.exposure.percent : undefined)],
    ['ramp.start', r => time(rampOf(r)?.startMs)],
    ['ramp.steps', stepsText],
    ['ramp.approved_percent', r => rampOf(r)?.approvedPercent],
    ['ramp.gate', gateText],
  ],
  cohortSeed: [['cohort_seed', r => r.cohortSeed]],
  canary: [
    ['canary.tags', r => list(r.canary.tags)],
    ['canary.cohorts', r => list(r.canary.cohorts)],
  ],
  rollback: [['rollback', r => r.rollback]],
  forceDowngrade: [['force_downgrade', r => r.forceDowngrade]],
  mustInstall: [['must_install', r => r.mustInstall]],
  deadlineMs: [['deadline', r => duration(r.deadlineMs)]],
  wifiOnly: [['wifi_only', r => r.wifiOnly]],
  minBatteryPercent: [['min_battery_percent', r => r.minBatteryPercent]],
  suspend: [
    ['suspend.reason', r => r.suspend?.reason],
    ['suspend.since', r => time(r.suspend?.sinceMs)],
    ['suspend.until', r => time(r.suspend?.untilMs)],
  ],
  reason: [['reason', r => r.reason]],
} satisfies FieldsOf<Rollout>;

const BUILD = {
  buildId: [],
  package: [['package', b => b.package]],
  versionCode: [['version_code', b => b.versionCode]],
  versionName: [['version_name', b => b.versionName]],
  minSdk: [['min_sdk', b => b.minSdk]],
  sizeBytes: [['size_bytes', b => b.sizeBytes]],
  sha256: [['sha256', b => b.sha256]],
  signerFingerprint: [['signer_fingerprint', b => b.signerFingerprint]],
  signers: [['signers', b => list(b.signers.map(s => `${s.fingerprint} from SDK ${s.minSdk}`))]],
  // Oldest first: the order has meaning here.
  signerLineage: [
    ['signer_lineage', b => (b.signerLineage.length === 0 ? undefined : b.signerLineage.join(', '))],
  ],
  notes: [['notes', b => b.notes]],
  withdrawn: [
    ['withdrawn.reason', b => b.withdrawn?.reason],
    ['withdrawn.at', b => time(b.withdrawn?.atMs)],
  ],
} satisfies FieldsOf<Build>;

const minutes = (of: number): string =>
  `${String(Math.floor(of / 60)).padStart(2, '0')}:${String(of % 60).padStart(2, '0')}`;
const windowText = (w: FreezeWindow): string =>
  `${w.days.join(' ')} ${minutes(w.fromMinute)}–${minutes(w.toMinute)} ${w.timeZone} (${w.reason})`;

const POLICY = {
  allowedPercents: [['allowed_percents', p => list(p.allowedPercents)]],
  maxJumpPercent: [['max_jump_percent', p => p.maxJumpPercent]],
  pinnedSigners: [['pinned_signers', p => list(p.pinnedSigners)]],
  freezeWindows: [['freeze_windows', p => list(p.freezeWindows.map(windowText))]],
  approvals: [['approvals', p => list(p.approvals.map(a => `${a.approvals} above ${a.abovePercent} %`))]],
} satisfies FieldsOf<Policy>;

function* diff<T>(
  file: string,
  fields: readonly Fields<T>[],
  before: T | undefined,
  after: T | undefined,
): Generator<Change> {
  for (const [path, value] of fields.flat()) {
    const was = before === undefined ? undefined : value(before);
    const is = after === undefined ? undefined : value(after);
    if (was !== is) yield { file, path, before: was, after: is };
  }
}

/** Plans never contain device ids, only counts. */
function* diffDevices(
  file: string,
  path: string,
  before: readonly string[],
  after: readonly string[],
): Generator<Change> {
  const was = new Set(before);
  const is = new Set(after);
  const added = [...is].filter(id => !was.has(id)).length;
  const removed = [...was].filter(id => !is.has(id)).length;
  if (added + removed === 0) return;
  yield {
    file,
    path,
    before: countText(was.size, 'device'),
    after: `${countText(is.size, 'device')} (${added} added, ${removed} removed)`,
  };
}

const buildText = (b: Build): string =>
  `version ${b.versionName} (${b.versionCode}), ${bytesText(b.sizeBytes)}, signer ${shortHex(b.signerFingerprint)}${b.withdrawn === undefined ? '' : ', withdrawn'}`;

function* diffBuild(file: string, before: Build | undefined, after: Build | undefined): Generator<Change> {
  if (before !== undefined && after !== undefined)
    yield* diff<Build>(file, Object.values(BUILD), before, after);
  else
    yield {
      file,
      path: '',
      before: before === undefined ? undefined : buildText(before),
      after: after === undefined ? undefined : buildText(after),
    };
}

const cohortText = (c: Cohort): string =>
  `${countText(c.tags.length, 'tag')}, ${countText(c.devices.length, 'device')}`;

function* diffCohort(file: string, before: Cohort | undefined, after: Cohort | undefined): Generator<Change> {
  if (before !== undefined && after !== undefined) {
    yield* diff<Cohort>(file, [[['tags', c => list(c.tags)]]], before, after);
    yield* diffDevices(file, 'devices', before.devices, after.devices);
    return;
  }
  yield {
    file,
    path: '',
    before: before === undefined ? undefined : cohortText(before),
    after: after === undefined ? undefined : cohortText(after),
  };
}

const names = (a: ReadonlyMap<string, unknown> | undefined, b: ReadonlyMap<string, unknown>): string[] =>
  [...new Set([...(a?.keys() ?? []), ...b.keys()])].sort();

/** Every difference in meaning, rollout first. Without a base everything is new. */
export function changesBetween(base: DesiredState | undefined, head: DesiredState): Change[] {
  return [
    ...diff<Rollout>('rollout.yaml', Object.values(ROLLOUT), base?.rollout, head.rollout),
    ...diffDevices(
      'rollout.yaml',
      'canary.devices',
      base?.rollout.canary.devices ?? [],
      head.rollout.canary.devices,
    ),
    ...names(base?.builds, head.builds).flatMap(id => [
      ...diffBuild(`builds/${id}.yaml`, base?.builds.get(id), head.builds.get(id)),
    ]),
    ...names(base?.cohorts, head.cohorts).flatMap(name => [
      ...diffCohort(`cohorts/${name}.yaml`, base?.cohorts.get(name), head.cohorts.get(name)),
    ]),
    ...diff<Policy>('policy.yaml', Object.values(POLICY), base?.policy, head.policy),
  ];
}
