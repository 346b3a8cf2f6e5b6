/** What `ota status` prints. */
import { countText } from '../domain/plan/words.ts';
import { waitsOf } from '../domain/progress.ts';
import { haltText, heldText, waitText } from './goal.ts';
import { type Io, paint } from './io.ts';
import { textOf, visibleLine } from './problem-formats.ts';
import {
  type AdviceOnWire,
  type BuildsOnWire,
  type ProgressOnWire,
  type RampOnWire,
  type RolloutOnWire,
  shortRevision,
} from './rollout-wire.ts';
import { table } from './table.ts';

type Line = readonly [label: string, value: string];
type Builds = BuildsOnWire['builds'];

export function printStatus(now: RolloutOnWire, builds: Builds, io: Io): void {
  const colours = paint(io);
  const lines = [...standingLines(now, builds), ...progressLines(now), ...healthLines(now)];
  io.out(table(lines.map(([label, value]) => [colours.bold(label), visibleLine(value)])));
  if (builds.length === 0) return;
  const rows = builds.map(b => [
    b.build_id,
    `${visibleLine(b.version_name)} (${b.version_code})`,
    b.withdrawn === null ? (b.role ?? '') : 'withdrawn',
    String(b.running_devices),
    String(b.results.ok),
    String(b.results.fail),
    b.stored ? '' : colours.red('APK missing'),
  ]);
  io.out(
    `\n${table([['build', 'version', 'role', 'running', 'ok', 'failed', ''].map(h => colours.bold(h)), ...rows], [3, 4, 5])}`,
  );
}

export function printRefused({ reconcile, rollout }: RolloutOnWire, io: Io): void {
  const colours = paint(io);
  const stands = rollout === null ? 'nothing is in force yet' : 'the revision above is still in force';
  io.out(
    `\n${colours.red('refused')}: revision ${shortRevision(reconcile.attempted_revision)} is not applied; ${stands}\n`,
  );
  for (const problem of reconcile.problems)
    io.out(textOf({ ...problem, hint: problem.hint ?? undefined }, colours));
  if (rollout === null && reconcile.problems.some(p => FIRST_HOUR.has(p.code)))
    io.out('to create releases/ in the repository, run ota init, then commit and push\n');
}

/** Problems that mean that nothing was released yet. */
const FIRST_HOUR: ReadonlySet<string> = new Set(['releases_missing', 'releases_empty', 'rollout_missing']);

function standingLines(now: RolloutOnWire, builds: Builds): Line[] {
  const { rollout, exposure } = now;
  if (rollout === null || exposure === null) return [];
  const { declared_percent, effective_percent, next_change_at } = exposure;
  const declared = declared_percent === effective_percent ? '' : ` (declared ${declared_percent} %)`;
  const later = next_change_at === null ? '' : `, changes at ${next_change_at}`;
  const effect = effectOf(now, builds);
  return [
    ['revision', `${shortRevision(now.revision)}, applied ${now.applied_at ?? '?'}`],
    ['current', rollout.current + conditionOf(now, builds)],
    ['last safe', rollout.last_safe ?? 'none'],
    ['exposure', `${effective_percent} %${declared}${later}`],
    ...exposure.halts.map(halt => ['halted', haltText(halt)] as const),
    ...(exposure.conditions ?? []).map(({ code, message }) => [code.replaceAll('_', ' '), message] as const),
    ...(exposure.ramp === null ? [] : [['gate', gateText(exposure.ramp)] as const]),
    ...(exposure.advice == null ? [] : [['gate', adviceText(exposure.advice)] as const]),
    ...(effect === undefined ? [] : [['effect', effect] as const]),
    ...(rollout.suspend === null
      ? []
      : [
          [
            'suspend',
            `${rollout.suspend.since} to ${rollout.suspend.until}: ${rollout.suspend.reason}`,
          ] as const,
        ]),
  ];
}

/** `step 2: hold (12 of 30 judged)` */
const gateText = ({ step, verdict, reasons }: RampOnWire): string =>
  `step ${step}${verdict === null ? '' : `: ${verdict.replaceAll('_', ' ')}`}${reasons.length === 0 ? '' : ` (${reasons.join('; ')})`}`;

const WOULD: Readonly<Record<AdviceOnWire['verdict'], string>> = {
  counting: 'would wait',
  hold: 'would wait',
  advance: 'would continue',
  halt: 'would halt this build',
  waiting_for_person: 'would ask a person',
  waiting_for_approval: 'would ask a person',
};

/** `none; with default limits it would halt this build (install_failures; 12 of 40 failed). Without a ramp …` */
function adviceText({ verdict, reasons, taken, fail }: AdviceOnWire): string {
  const why = [...reasons, `${fail} of ${taken} failed`].join('; ');
  const end =
    verdict === 'halt'
      ? '. Without a ramp nothing stops it automatically: "ota brake" or "ota rollback"'
      : '';
  return `none; with default limits it ${WOULD[verdict]} (${why})${end}`;
}

const isWithdrawn = ({ rollout }: RolloutOnWire, builds: Builds): boolean =>
  builds.some(b => b.build_id === rollout?.current && b.withdrawn !== null);

/** Only a suspend that is in force reduces the exposure to 0. */
const isSuspended = ({ rollout, exposure }: RolloutOnWire): boolean =>
  rollout !== null && rollout.suspend !== null && exposure?.effective_percent === 0;

function conditionOf(now: RolloutOnWire, builds: Builds): string {
  if (now.rollout?.rollback === true) return ' (rolled back)';
  if (isWithdrawn(now, builds)) return ' (withdrawn)';
  return isSuspended(now) ? ' (suspended)' : '';
}

/** What a rollback, a withdrawal or a suspend does to devices. */
function effectOf(now: RolloutOnWire, builds: Builds): string | undefined {
  const { rollout, progress } = now;
  if (rollout === null) return undefined;
  const safe = rollout.last_safe ?? 'nothing';
  const staying = progress?.staying ?? 0;
  if (rollout.rollback) {
    const newer = rollout.force_downgrade
      ? 'devices on a newer version are downgraded if Android allows it'
      : `devices on a newer version keep it${staying > 0 ? ` (${staying} now)` : ''}`;
    return `${rollout.current} is not offered any more; devices are offered ${safe}; ${newer}`;
  }
  if (isWithdrawn(now, builds))
    return `${rollout.current} is not offered any more; devices are offered ${safe}; those that run it keep it`;
  const [halt] = now.exposure?.halts ?? [];
  if (halt !== undefined)
    return halt.mode === 'rollback'
      ? `${halt.build_id} is not offered any more; devices are offered ${safe}; those that run ${halt.build_id} keep it; to lift the halt: "ota resume"`
      : `${halt.build_id} is not offered any more, not even to canaries; devices that run it keep it; others are offered ${safe}; to lift the halt: "ota resume"`;
  if (isSuspended(now))
    return 'no device is offered any build, not even last_safe; installed builds stay, and a ramp is paused';
  return undefined;
}

function progressLines(now: RolloutOnWire): Line[] {
  const { rollout, fleet, progress } = now;
  if (rollout === null) return [];
  const share = fleet.active === 0 ? '' : `, ${(fleet.adoption_ratio * 100).toFixed(1)} % of active`;
  const devices: Line = [
    'devices',
    `${fleet.enrolled} enrolled, ${fleet.active} active, ${fleet.running_current} run ${rollout.current}${share}`,
  ];
  if (progress === undefined) return [devices];
  if (progress === null) return [devices, ['progress', 'the fleet is being counted']];
  const canaries = canaryText(progress);
  return [
    devices,
    ['exposed', exposedText(progress)],
    ['offered', offeredText(progress)],
    ...(canaries === undefined ? [] : [['canaries', canaries] as const]),
    ['results', resultsText(progress)],
    ['done', doneText(now, progress)],
  ];
}

const exposedText = ({ exposed, seen, build_id, active_window_s }: ProgressOnWire): string =>
  `${countText(exposed, 'device')} for ${build_id}; ${seen} seen in the last ${Math.round(active_window_s / 3600)} h`;

function offeredText(progress: ProgressOnWire): string {
  const { offered, running, waiting, staying, held } = progress;
  const heldBack = held.reduce((sum, h) => sum + h.devices, 0);
  return [
    `${countText(offered, 'device')}: ${running} running, ${waiting} waiting`,
    ...(heldBack > 0 ? [`${heldBack} held${heldText(progress).replace('(held: ', '(')}`] : []),
    ...(staying > 0 ? [`and ${staying} staying on a newer version`] : []),
  ].join(', ');
}

function canaryText({ canaries, kind }: ProgressOnWire): string | undefined {
  const { declared_devices, declared_tags, exposed, offered, running } = canaries;
  if (kind === 'rollback' || declared_devices + declared_tags.length === 0) return undefined;
  const named = [
    ...(declared_tags.length > 0 ? [`tags ${declared_tags.join(', ')}`] : []),
    ...(declared_devices > 0 ? [`${countText(declared_devices, 'device')} named`] : []),
  ].join('; ');
  if (exposed === 0) return `none is enrolled (${named})`;
  const away = exposed - offered;
  return `${running} of ${offered} running${away > 0 ? `, ${away} not seen` : ''} (${named})`;
}

function resultsText({ results }: ProgressOnWire): string {
  const reasons = (outcome: string): string => {
    const some = results.reasons.filter(r => r.outcome === outcome).sort((a, b) => b.devices - a.devices);
    return some.length === 0 ? '' : ` (${some.map(r => `${r.reason} ${r.devices}`).join(', ')})`;
  };
  return `${results.ok} ok, ${results.fail} failed${reasons('fail')}, ${results.deferred} deferred${reasons('deferred')}`;
}

function doneText(now: RolloutOnWire, progress: ProgressOnWire): string {
  const waits = waitsOf(progress.kind, progress, progress.last_step);
  return waits.length === 0 ? 'yes' : `no: ${waits.map(wait => waitText(wait, now, progress)).join('; ')}`;
}

function healthLines({ reconcile }: RolloutOnWire): Line[] {
  const { source_fault, source_age_s, clock_held } = reconcile;
  return [
    [
      'source',
      source_fault === null ? `read ${source_age_s ?? '?'} s ago` : `cannot be read: ${source_fault}`,
    ],
    ...(clock_held
      ? [
          [
            'clock',
            'held: the exposure does not change until the clock is right, or "ota clock confirm"',
          ] as const,
        ]
      : []),
  ];
}
