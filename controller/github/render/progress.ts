/** The progress report, which replaces the plan comment. Pure: equal progress gives equal text, so nothing is sent twice. */
import { headlineOf, isFinal, type RevisionProgress, type RolloutState } from '../revision-progress.ts';
import { adoptionChart } from './chart.ts';
import { countOf, folded, literal, momentOf, paragraphs, shareOf, shortSha, table } from './markdown.ts';

export interface Reported {
  readonly progress: RevisionProgress;
  readonly planHash: string;
  /** The plan as it was applied, Markdown. */
  readonly planText: string;
  /** The command that undoes the merge: `git revert -m 1 <sha>`, without `-m` for a squashed one. */
  readonly revert: string;
  /** `OTA_ACTIVE_WINDOW` in hours. */
  readonly activeHours: number;
}

const STATES: Readonly<Record<RolloutState, string>> = {
  pending: '⚪ pending',
  rolling_out: '🔵 rolling out',
  suspended: '🟡 suspended',
  halted: '🔴 halted',
  completed: '🟢 completed',
  reverted: '🔴 reverted',
  superseded: '⚫ superseded',
  rejected: '🔴 not applied',
};

export function renderProgress({ progress, planHash, planText, revert, activeHours }: Reported): string {
  const { subject, state, revision } = progress;
  const inert = subject.kind === 'none';
  const about = inert
    ? 'No offer changes'
    : `${subject.kind === 'rollback' ? 'Back to ' : ''}${literal(subject.buildId)} ${literal(subject.versionName)}`;
  const exposure = subject.kind === 'rollout' ? ` · ${progress.percent} %` : '';
  return paragraphs(
    `### ${about} · ${STATES[state]}${exposure}`,
    sentence(progress),
    next(progress),
    advised(progress),
    state === 'reverted' || state === 'superseded'
      ? undefined
      : `**Undo:** \`${revert}\`, or at once \`ota rollback --open-pr\``,
    inert ? undefined : figures(progress, activeHours),
    inert ? undefined : resultsOf(progress),
    inert ? undefined : adoptionChart(progress.curve, ms => valueAt(progress, ms), progress.appliedAtMs),
    folded(`What was merged · plan <code>${planHash.slice(0, 12)}</code>`, planText),
    `<sub>revision ${shortSha(revision)} · plan ${shortSha(planHash)} · in effect since ${momentOf(progress.appliedAtMs)}</sub>`,
  );
}

const valueAt = ({ exposure }: RevisionProgress, atMs: number): number =>
  exposure.findLast(e => e.atMs <= atMs)?.percent ?? 0;

function sentence(progress: RevisionProgress): string {
  const { state, by, suspend, fleet } = progress;
  const from = by === undefined ? 'a later revision' : shortSha(by);
  switch (state) {
    case 'pending':
      return 'Applied. No device outside the canaries is offered this build yet.';
    case 'rolling_out':
      return fleet.active === 0
        ? 'Applied. No device has checked in yet.'
        : 'Applied. Devices are installing it.';
    case 'suspended':
      return `All offers are frozen${suspend === undefined ? '' : ` until ${momentOf(suspend.untilMs)}: ${literal(suspend.reason)}`}.`;
    case 'halted':
      return `${progress.halt?.kind === 'hand' ? 'A person has pressed the brake' : 'Its gate was breached'}: ${literal(progress.halt?.reason ?? '')}. Nobody is offered this build; devices that have it keep it. \`ota resume\` lifts it.`;
    case 'completed':
      return progress.subject.kind === 'none'
        ? 'Applied. The offers are the same as before.'
        : 'The rollout has reached its final exposure, and the devices that are offered the build run it.';
    case 'reverted':
      return `Reverted by ${from}. The figures are from that moment.`;
    case 'superseded':
      return `Superseded by ${from}, which is in force now. The figures are from that moment.`;
    case 'rejected':
      return 'This revision was not applied.';
  }
}

function figures({ fleet, subject }: RevisionProgress, activeHours: number): string {
  const { enrolled, active, offered, canaries } = fleet;
  /** Each share names its base. */
  const row = (label: string, devices: number, whole?: number, of?: string): string[] => [
    label,
    countOf(devices),
    whole === undefined ? '' : `${shareOf(devices, whole)} of ${of ?? ''}`,
  ];
  return table(
    ['', 'devices', 'share'],
    [
      row('enrolled', enrolled),
      row(`active in ${activeHours} h`, active, enrolled, 'enrolled'),
      row('exposed', fleet.exposed, enrolled, 'enrolled'),
      row('offered', offered, active, 'active'),
      row('installed', fleet.running, offered, 'offered'),
      row('waiting', fleet.waiting, offered, 'offered'),
      ...fleet.held.map(h => row(`held back: ${literal(h.reason)}`, h.devices, offered, 'offered')),
      ...(canaries.offered > 0
        ? [row('canaries that run it', canaries.running, canaries.offered, 'offered canaries')]
        : []),
      ...(subject.kind === 'rollback' || fleet.staying > 0
        ? [row('staying on a newer version', fleet.staying, active, 'active')]
        : []),
    ],
  );
}

function resultsOf({ results: { ok, fail, deferred, reasons } }: RevisionProgress): string {
  const named = (outcome: 'fail' | 'deferred'): string => {
    const list = reasons
      .filter(r => r.outcome === outcome)
      .sort((a, b) => b.devices - a.devices || (a.reason < b.reason ? -1 : 1))
      .map(r => `\`${r.reason}\` ${countOf(r.devices)}`);
    return list.length === 0 ? '' : ` (${list.join(', ')})`;
  };
  return `**Devices:** ${countOf(ok)} ok · ${countOf(fail)} failed${named('fail')} · ${countOf(deferred)} deferred${named('deferred')}`;
}

function next({ next: step, state, suspend }: RevisionProgress): string | undefined {
  if (state !== 'pending' && state !== 'rolling_out' && state !== 'suspended') return undefined;
  if (state === 'suspended' && suspend !== undefined)
    return `**Next:** offers resume ${momentOf(suspend.untilMs)}`;
  return step === undefined
    ? '**Next:** nothing changes without another commit'
    : `**Next:** ${step.percent} % at ${momentOf(step.atMs)}`;
}

/** A plain percent never narrows by itself, so the report says what a gate would have done. */
function advised({ advice, state }: RevisionProgress): string | undefined {
  if (advice === undefined || isFinal(state) || state === 'rejected') return undefined;
  const would = advice.verdict === 'halt' ? 'would halt this build' : 'would not go on';
  return `> [!WARNING]\n> A gate with default limits ${would}: ${advice.against.map(r => `\`${r}\``).join(', ')}. A plain percentage never stops by itself: \`ota brake --reason\` stops it at once.`;
}

/** The new comment for a completion, a suspension or a revert, because edits do not notify anybody. */
export function renderNotice(progress: RevisionProgress): string {
  const { state, by, suspend, subject } = progress;
  const what = literal(subject.buildId);
  const line = headlineOf(progress);
  switch (state) {
    case 'completed':
      return `🟢 The rollout of ${what} is **completed**: ${line}.`;
    case 'suspended':
      return `🟡 All offers are **suspended**${suspend === undefined ? '' : ` until ${momentOf(suspend.untilMs)}: ${literal(suspend.reason)}`}.`;
    case 'reverted':
      return `🔴 ${what} was **reverted** by ${by === undefined ? 'a later revision' : shortSha(by)}: ${line}.`;
    default:
      throw new Error(`assertion: no notice is due for ${state}`);
  }
}
