/**
 * A plan as GitHub Markdown, for the pull request. Free text is shown as inline code only, device ids never appear,
 * and the result stays under its limit by showing fewer changes, never by cutting a line.
 */

import { durationText } from '../duration.ts';
import { code } from './escape.ts';
import type { FleetPlan } from './fleet.ts';
import { type Change, DOWNGRADE_CAVEAT, type Plan, undoCommands } from './index.ts';
import { beginText, canaryLine, downgradeLine, exposureLine, headline, viewLine } from './lines.ts';
import { bytesText, countText, percentText } from './words.ts';

/** GitHub accepts 65,536 characters in a comment; the rest is left to whoever embeds the plan. */
export const PLAN_MARKDOWN_LIMIT = 60_000;

export interface MarkdownOptions {
  /** Counts of the enrolled devices; without it the plan says that it is nominal. */
  readonly fleet?: FleetPlan | undefined;
  /** The merge commit, once known, for the undo command. */
  readonly merge?: string | undefined;
  /** Finished Markdown that is shown after the dangers: warnings found elsewhere. It does not count towards the limit. */
  readonly warnings?: string | undefined;
  /** Most characters; default {@link PLAN_MARKDOWN_LIMIT}. */
  readonly limit?: number | undefined;
}

/**
 * Most important first: effect, dangers, warnings, each change, the steps, the way back. Ends with a line feed and is
 * shorter than the limit.
 */
export function renderPlanMarkdown(plan: Plan, options: MarkdownOptions = {}): string {
  const limit = options.limit ?? PLAN_MARKDOWN_LIMIT;
  const top = [
    `### ${headline(plan)}`,
    ...(plan.empty ? [] : [...effectPart(plan, options.fleet), ...dangerPart(plan)]),
  ];
  const bottom = [
    ...(plan.empty ? [] : [...stepsPart(plan, options.fleet), ...undoPart(plan, options.merge)]),
    `Plan ${code(plan.hash)}`,
  ];
  const frame = [...top, ...bottom].join('\n\n');
  const table = changeTable(plan.changes, limit - frame.length - 4);
  const warnings = options.warnings === undefined ? [] : [options.warnings];
  return `${[...top, ...warnings, ...table, ...bottom].join('\n\n')}\n`;
}

const value = (v: Change['before']): string => (v === undefined ? '' : v === '' ? '`""`' : code(String(v)));

const changeRow = ({ file, path, before, after }: Change): string =>
  `| ${code(path === '' ? file : `${file} ${path}`)} | ${value(before)} | ${value(after)} |`;

/** As many rows as fit into `budget` characters, and how many are left out. */
function changeTable(changes: readonly Change[], budget: number): string[] {
  if (changes.length === 0) return [];
  const lines = ['| | Before | After |', '| --- | --- | --- |'];
  let used = lines.join('\n').length + 60;
  for (const row of changes.map(changeRow)) {
    if (used + row.length + 1 > budget) break;
    used += row.length + 1;
    lines.push(row);
  }
  const left = changes.length - (lines.length - 2);
  const note = left > 0 ? [`… and ${countText(left, 'more change')}; \`ota plan\` lists them all.`] : [];
  return lines.length > 2 ? [lines.join('\n'), ...note] : note;
}

function effectPart(plan: Plan, fleet: FleetPlan | undefined): string[] {
  const views = plan.views.map(view => `- ${viewLine(view)}`).join('\n');
  return [
    `${exposureLine(plan)}\n${views}`,
    ...[canaryLine(plan)].filter(line => line !== undefined),
    fleet === undefined ? '_Nominal: counted without the enrolled fleet._' : fleetFacts(fleet),
  ];
}

const stepsPart = (plan: Plan, fleet: FleetPlan | undefined): string[] => [
  ...rampTable(plan),
  ...(fleet === undefined ? [] : fleetTable(fleet)),
];

function rampTable(plan: Plan): string[] {
  const { steps } = plan.exposure;
  if (steps.length === 0) return [];
  const rows = steps.map(
    s =>
      `| ${percentText(s.percent)}${s.state === 'now' ? ' ◀' : ''} | ${beginText(plan, s)} | ${s.holdMs === undefined ? 'for good' : durationText(s.holdMs)} |`,
  );
  return [['| Step | Begins | Holds |', '| --- | --- | --- |', ...rows].join('\n')];
}

function fleetFacts(fleet: FleetPlan): string {
  return [
    `${countText(fleet.devices, 'enrolled device')}, ${fleet.neverSeen} never seen; ${countText(fleet.canaries, 'canary device')}.`,
    `At once: **${countText(fleet.newOffers, 'new offer')}**, ${bytesText(fleet.bytes)} to be served.`,
    ...(fleet.forcedBack > 0 ? [`${countText(fleet.forcedBack, 'device')} told to go back.`] : []),
    ...(fleet.ahead > 0 ? [`${countText(fleet.ahead, 'device')} on a newer version, staying there.`] : []),
    ...(fleet.signerMismatch > 0
      ? [`${countText(fleet.signerMismatch, 'device')} kept back: signed with another key.`]
      : []),
  ].join('\n');
}

function fleetTable(fleet: FleetPlan): string[] {
  if (fleet.steps.length === 0) return [];
  const rows = fleet.steps.map(
    s =>
      `| ${percentText(s.percent)} | ${s.actualDevices} | ${s.nominalDevices} | ${s.newOffers} | ${bytesText(s.bytes)} |`,
  );
  return [
    [
      '| Exposure | Devices | Nominal | New offers | To be served |',
      '| ---: | ---: | ---: | ---: | ---: |',
      ...rows,
    ].join('\n'),
  ];
}

function dangerPart(plan: Plan): string[] {
  const note = downgradeLine(plan);
  const downgrade =
    note === undefined ? [] : [plan.downgrade?.forced === true ? `${note} ${DOWNGRADE_CAVEAT}` : note];
  if (plan.dangers.length === 0) return downgrade;
  const list = plan.dangers.slice(0, 50).map(d => `- ⚠️ **${d.kind.replaceAll('_', ' ')}**: ${d.sentence}`);
  return [list.join('\n'), ...downgrade];
}

function undoPart(plan: Plan, merge: string | undefined): string[] {
  const commands = undoCommands(plan.undo, merge).join('\n');
  const squashed =
    merge === undefined ? ['squashed or rebased when merged: `git revert` without `-m 1`'] : [];
  const limits = [...squashed, ...plan.undo.limits].map(l => `- ${l}`).join('\n');
  return [`Undo:\n\n\`\`\`sh\n${commands}\n\`\`\``, ...(limits === '' ? [] : [limits])];
}
