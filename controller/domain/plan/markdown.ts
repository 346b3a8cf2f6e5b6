/**
 * A plan as GitHub Markdown, for the pull request. Free text is shown as inline code only, device ids never appear,
 * and the result stays under its limit by showing fewer changes, never by cutting a line.
 */

import { durationText } from '../duration.ts';
import { code } from './escape.ts';
import type { FleetPlan, FleetStep } from './fleet.ts';
import { fleetFacts, isBelowToday } from './fleet-facts.ts';
import { gateFacts } from './gate-facts.ts';
import { type Change, DOWNGRADE_CAVEAT, type Plan, undoCommands } from './index.ts';
import { beginText, canaryLine, downgradeLine, exposureLine, headline, viewLine } from './lines.ts';
import type { PlanForecast } from './outlook.ts';
import { outlookLine, outlookOfStep, overText, reportsText } from './outlook-lines.ts';
import { bytesText, countText, percentText } from './words.ts';

/** GitHub accepts 65,536 characters in a comment; the rest is for the text around the plan. */
export const PLAN_MARKDOWN_LIMIT = 60_000;

interface MarkdownOptions {
  /** Counts of the enrolled devices; without it the plan is marked as nominal. */
  readonly fleet?: FleetPlan | undefined;
  /** When steps are likely to be over; absent: not shown. */
  readonly forecast?: PlanForecast | undefined;
  /** The merge commit, once known, for the undo command. */
  readonly merge?: string | undefined;
  /** Ready Markdown shown after the dangers: warnings found elsewhere. It does not count towards the limit. */
  readonly warnings?: string | undefined;
  /** Most characters; default {@link PLAN_MARKDOWN_LIMIT}. */
  readonly limit?: number | undefined;
}

/** Tables of changes up to this size are not folded. */
const OPEN_CHANGES = 6;

/**
 * The most important parts first: effect, dangers, warnings, undo, the steps, each change. Ends with a line feed and is
 * shorter than the limit.
 */
export function renderPlanMarkdown(plan: Plan, options: MarkdownOptions = {}): string {
  const limit = options.limit ?? PLAN_MARKDOWN_LIMIT;
  const { fleet } = options;
  const top = [
    `### ${headline(plan)}`,
    ...(plan.empty ? [] : [...effectPart(plan, fleet), ...dangerPart(plan)]),
  ];
  const bottom = plan.empty
    ? []
    : [...undoPart(plan, options.merge), ...stepsPart(plan, options), ...detailPart(plan, fleet)];
  const end = [`Plan ${code(plan.hash.slice(0, 12))}`];
  const frame = [...top, ...bottom, ...end].join('\n\n');
  const table = changeTable(plan.changes, limit - frame.length - 100);
  const warnings = options.warnings === undefined ? [] : [options.warnings];
  return `${[...top, ...warnings, ...bottom, ...table, ...end].join('\n\n')}\n`;
}

const value = (v: Change['before']): string => (v === undefined ? '' : v === '' ? '`""`' : code(String(v)));

const changeRow = ({ file, path, before, after }: Change): string =>
  `| ${code(path === '' ? file : `${file} ${path}`)} | ${value(before)} | ${value(after)} |`;

/** As many rows as fit into `budget` characters, and a note on how many are left out. */
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
  if (lines.length === 2) return note;
  if (changes.length <= OPEN_CHANGES) return [lines.join('\n'), ...note];
  const summary = `<summary>What changes in the files: ${countText(changes.length, 'field')}</summary>`;
  return [`<details>\n${summary}\n\n${[lines.join('\n'), ...note].join('\n\n')}\n\n</details>`];
}

/** The two sentences that a reviewer must not miss. */
function effectPart(plan: Plan, fleet: FleetPlan | undefined): string[] {
  const { exposure } = plan;
  const later = fleet?.steps.find(s => s.percent === exposure.finalPercent);
  const more =
    later !== undefined && exposure.finalPercent > exposure.toPercent
      ? `, **${later.newOffers}** by the last step (${bytesText(later.bytes)})`
      : '';
  const counted =
    fleet === undefined
      ? '_Nominal: counted without the enrolled fleet._'
      : `**${fleet.newOffers} of ${countText(fleet.devices, 'device')}** get a new offer at once (${bytesText(fleet.bytes)})${more}.`;
  const back =
    fleet !== undefined && fleet.forcedBack > 0
      ? ` **${countText(fleet.forcedBack, 'device')}** are told to go back.`
      : '';
  return [`${exposureLine(plan)}\n${counted}${back}`];
}

/** Who is offered what, and whom it does not reach. */
function detailPart(plan: Plan, fleet: FleetPlan | undefined): string[] {
  const lines = [
    ...plan.views.map(viewLine),
    ...[canaryLine(plan)].filter(line => line !== undefined),
    ...(fleet === undefined ? [] : enrolledFacts(plan, fleet)),
    ...gateFacts(plan, fleet),
  ];
  return [lines.map(line => `- ${line}`).join('\n')];
}

function enrolledFacts(plan: Plan, fleet: FleetPlan): string[] {
  return [
    `${countText(fleet.devices, 'enrolled device')}, ${fleet.neverSeen} never seen; ${countText(fleet.canaries, 'canary device')}`,
    ...fleetFacts(plan, fleet),
  ];
}

function stepsPart(plan: Plan, { fleet, forecast }: MarkdownOptions): string[] {
  const line = forecast === undefined ? undefined : outlookLine(plan, forecast);
  const steps = plan.exposure.steps.length > 0 ? rampTable(plan, fleet, forecast) : percentTable(plan, fleet);
  return [...steps, ...(line === undefined ? [] : [line])];
}

const devicesCell = (step: FleetStep): string => `${step.actualDevices} (nominal ${step.nominalDevices})`;

/** The table of a ramp: when each step begins and is likely to be over, and its effect on the enrolled fleet. */
function rampTable(plan: Plan, fleet: FleetPlan | undefined, forecast: PlanForecast | undefined): string[] {
  const isKnown = forecast?.kind === 'known' && forecast.outlook.steps.length > 0;
  const rows = plan.exposure.steps.map(s => {
    const here = s.state === 'now' ? ' ◀ now' : '';
    const holds = s.holdMs === undefined ? 'for good' : durationText(s.holdMs);
    const counted = fleet?.steps.find(f => f.percent === s.percent);
    const counts =
      counted === undefined
        ? []
        : isBelowToday(plan, s.percent)
          ? [devicesCell(counted), '–', '–']
          : [devicesCell(counted), String(counted.newOffers), bytesText(counted.bytes)];
    const likely = outlookOfStep(forecast, s.percent);
    const outlook = likely === undefined ? ['', ''] : [overText(plan, likely), reportsText(likely)];
    const cells = [`**${percentText(s.percent)}**${here}`, beginText(plan, s), holds];
    return `| ${[...cells, ...counts, ...(isKnown ? outlook : [])].map(shortTime).join(' | ')} |`;
  });
  const titles = [
    ['Step', 'Begins', 'Holds'],
    fleet === undefined ? [] : ['Devices', 'New offers', 'To be served'],
    isKnown ? ['Likely over', 'Reports by then'] : [],
  ].flat();
  const left = new Set(['Begins', 'Holds', 'Likely over']);
  const rule = titles.map(title => (left.has(title) ? '---' : '---:'));
  return [[`| ${titles.join(' | ')} |`, `| ${rule.join(' | ')} |`, ...rows].join('\n')];
}

/** `2026-06-01T13:00:00Z` → `2026-06-01 13:00 UTC`; other texts stay. */
const shortTime = (text: string): string => text.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):00Z$/, '$1 $2 UTC');

/** The effect of the usual percentages, the plan's own included. */
function percentTable(plan: Plan, fleet: FleetPlan | undefined): string[] {
  if (fleet === undefined || fleet.steps.length === 0) return [];
  const { exposure } = plan.head.state.rollout;
  const own = exposure.kind === 'percent' ? exposure.percent : undefined;
  const rows = fleet.steps
    .filter(s => !isBelowToday(plan, s.percent))
    .map(s => {
      const mark = (text: string): string => (s.percent === own ? `**${text}**` : text);
      const cells = [percentText(s.percent), devicesCell(s), String(s.newOffers), bytesText(s.bytes)];
      return `| ${cells.map(mark).join(' | ')} |`;
    });
  return [
    ['| Exposure | Devices | New offers | To be served |', '| ---: | ---: | ---: | ---: |', ...rows].join(
      '\n',
    ),
  ];
}

/** A red GitHub alert, so that nobody overlooks it. */
function dangerPart(plan: Plan): string[] {
  const note = downgradeLine(plan);
  const downgrade =
    note === undefined ? [] : [plan.downgrade?.forced === true ? `${note} ${DOWNGRADE_CAVEAT}` : note];
  if (plan.dangers.length === 0) return downgrade;
  const list = plan.dangers.slice(0, 50).map(d => `> - **${d.kind.replaceAll('_', ' ')}**: ${d.sentence}`);
  return [['> [!CAUTION]', ...list].join('\n'), ...downgrade];
}

function undoPart(plan: Plan, merge: string | undefined): string[] {
  const commands = undoCommands(plan.undo, merge).map(command => `\`${command}\``);
  const squashed =
    merge === undefined ? ['squashed or rebased when merged: `git revert` without `-m 1`'] : [];
  const limits = [...squashed, ...plan.undo.limits];
  return [
    `**Undo:** ${commands.join(', or at once ')}${limits.length === 0 ? '' : `<br><sub>${limits.join(' · ')}</sub>`}`,
  ];
}
