/** The text of the brake's pull request: what was stopped, the evidence, and how to go on. Pure. */
import { HALT_AT, SILENCE_HALT_AT } from '../../domain/gate/proof.ts';
import type { Halt, HaltEvidence } from '../../domain/halt.ts';
import type { Plan } from '../../domain/plan/index.ts';
import { renderPlanMarkdown } from '../../domain/plan/markdown.ts';
import type { FailedDevices, KeptHalt } from '../../ports/index.ts';
import type { RevisionProgress } from '../revision-progress.ts';
import { adoptionChart } from './chart.ts';
import { countOf, folded, literal, momentOf, paragraphs, shareOf, table } from './markdown.ts';

interface BrakeReport {
  readonly halt: KeptHalt;
  readonly failed: readonly FailedDevices[];
  /** Figures of the stopped rollout; undefined: not known. */
  readonly progress: RevisionProgress | undefined;
  /** The plan of merging it. */
  readonly plan: Plan;
}

const PLAN_CHARS = 30_000;
const MOST_ROWS = 15;

export const titleOfBrake = ({ buildId, kind, mode }: Halt): string =>
  `${mode === 'rollback' ? 'roll back' : 'stop'} ${buildId}: ${kind === 'gate' ? 'its gate was breached' : 'the brake was pressed'}`;

export function renderBrakeBody({ halt, failed, progress, plan }: BrakeReport): string {
  const told = halt.kind === 'gate' ? (halt.evidence as HaltEvidence | null) : null;
  return paragraphs(
    `### 🔴 ${literal(halt.buildId)} is stopped · ${halt.kind === 'gate' ? 'its gate was breached' : 'the brake was pressed'}`,
    sentence(halt),
    `**Why:** ${literal(halt.reason, 1000)} · ${momentOf(halt.atMs)} · ${literal(halt.by)}`,
    told === null ? undefined : countsOf(told),
    told === null ? undefined : proofsOf(told),
    failuresOf(failed),
    progress && adoptionChart(progress.curve, ms => exposureAt(progress, ms), progress.appliedAtMs),
    waysBack(halt),
    folded('What merging this changes', renderPlanMarkdown(plan, { limit: PLAN_CHARS }).trimEnd()),
    `<sub>counted at ${momentOf(halt.atMs)}, failures when this was opened · devices are counted once each, however often they report</sub>`,
  );
}

/** The comment on a pull request that is closed because it is no longer needed. */
export const renderBrakeEnd = ({ buildId }: Halt, why: string): string =>
  `This pull request is no longer needed and was closed: ${literal(why)}. ${literal(buildId)} is offered as rollout.yaml says.`;

function sentence({ mode, buildId }: KeptHalt): string {
  const now =
    mode === 'rollback'
      ? `All devices are offered \`last_safe\` instead of ${literal(buildId)}, as \`rollback: true\` would do.`
      : `Nobody is offered ${literal(buildId)}, canaries included. Devices that have it keep it.`;
  return `${now} This is already in force. This pull request brings it into \`rollout.yaml\`; merging it changes no device's offer.`;
}

function countsOf({ evidence: { cohort, canary, control } }: HaltEvidence): string {
  const row = (label: string, fleet: number, canaries: number | undefined): string[] => [
    label,
    countOf(fleet),
    canaries === undefined ? '' : countOf(canaries),
  ];
  const quiet =
    control.devices === 0
      ? undefined
      : `Without the build ${countOf(control.silent)} of ${countOf(control.devices)} devices are silent (${shareOf(control.silent, control.devices)}).`;
  return paragraphs(
    table(
      ['', 'devices', 'canaries'],
      [
        row('took the build', cohort.taken, canary.taken),
        row('run it', cohort.ok, undefined),
        row('failed to install it', cohort.fail, canary.fail),
        row('found wrong bytes or a wrong signer', cohort.verifyFail, canary.verifyFail),
        row('went silent after it', cohort.silent, undefined),
      ],
    ),
    quiet,
  );
}

function proofsOf({ figures }: HaltEvidence): string | undefined {
  if (figures === undefined) return undefined;
  const shown = (ln: number): string =>
    ln > Math.log(1e6) ? '> 1,000,000' : countOf(Math.round(Math.exp(ln) * 10) / 10);
  const proofs: readonly (readonly [string, number, number])[] = [
    ['failed installs', figures.lnFail, HALT_AT],
    ['failed canaries', figures.lnCanary, HALT_AT],
    ['wrong bytes or signers', figures.lnVerify, HALT_AT],
    ['silence', figures.lnSilence, SILENCE_HALT_AT],
  ];
  return table(
    ['proof against the build', 'E', 'halts at'],
    proofs.map(([what, ln, at]) => [what, shown(ln), countOf(at)]),
  );
}

function failuresOf(failed: readonly FailedDevices[]): string | undefined {
  if (failed.length === 0) return undefined;
  const rows = failed
    .slice(0, MOST_ROWS)
    .map(f => [
      `\`${f.reason}\``,
      f.sdk === undefined ? '–' : String(f.sdk),
      String(f.fromVersionCode),
      countOf(f.devices),
    ]);
  const more = failed.slice(MOST_ROWS).reduce((sum, f) => sum + f.devices, 0);
  return table(
    ['failed with', 'SDK', 'from version', 'devices'],
    more === 0 ? rows : [...rows, ['others', '', '', countOf(more)]],
  );
}

const exposureAt = ({ exposure }: RevisionProgress, atMs: number): number =>
  exposure.findLast(e => e.atMs <= atMs)?.percent ?? 0;

function waysBack(halt: KeptHalt): string {
  const build = literal(halt.buildId);
  const again =
    halt.kind === 'gate'
      ? ' The evidence is kept: a gate with the same limits halts it again, unless `ota resume` follows.'
      : '';
  return [
    '**How to go on**',
    halt.kind === 'hand'
      ? '- With another build: promote it, and the brake ends.'
      : `- With another build: promote it. It does not inherit this halt, and ${build} stays stopped if it ever returns.`,
    '- After a false alarm: `ota resume --reason "…"`. The rollout continues in its step, the evidence so far does not stop it again, and this pull request is closed.',
    `- If the cause was fixed outside the build: merge this, and later a commit that widens the rollout. That commit lifts the halt; a ramp starts at its first step.${again}`,
    '',
    'Only these lift the stop. Time, later reports and an edit of the gate do not.',
  ].join('\n');
}
