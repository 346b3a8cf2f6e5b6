/** A plan for a terminal: plain lines without colour, safe to print whatever the YAML says. */

import { durationText } from '../duration.ts';
import { singleLine } from './escape.ts';
import type { FleetPlan } from './fleet.ts';
import { fleetFacts, isBelowToday } from './fleet-facts.ts';
import { gateFacts } from './gate-facts.ts';
import { type Change, DOWNGRADE_CAVEAT, type Plan, undoCommands } from './index.ts';
import { bare, beginText, canaryLine, downgradeLine, exposureLine, headline, viewLine } from './lines.ts';
import type { PlanForecast } from './outlook.ts';
import { outlookLine, overText, reportsText } from './outlook-lines.ts';
import { bytesText, countText, percentText } from './words.ts';

const MOST_CHANGES = 200;

interface TextOptions {
  /** Counts of the enrolled devices; without it the plan is nominal. */
  readonly fleet?: FleetPlan | undefined;
  /** Absent: not shown. */
  readonly forecast?: PlanForecast | undefined;
}

/** Ends with a line feed. */
export function renderPlanText(plan: Plan, options: TextOptions = {}): string {
  const lines = [
    bare(headline(plan)),
    ...section('Changes', plan.changes.slice(0, MOST_CHANGES).map(changeLine)),
    ...(plan.changes.length > MOST_CHANGES ? [`  … and ${plan.changes.length - MOST_CHANGES} more`] : []),
    ...(plan.empty ? [] : body(plan, options)),
    '',
    `plan ${plan.hash}`,
  ];
  return `${lines.join('\n')}\n`;
}

function body(plan: Plan, { fleet, forecast }: TextOptions): string[] {
  const notes = [
    canaryLine(plan),
    downgradeLine(plan),
    plan.downgrade?.forced ? DOWNGRADE_CAVEAT : undefined,
  ];
  return [
    ...section('Exposure', [exposureLine(plan), ...plan.views.map(viewLine), ...stepLines(plan)].map(bare)),
    ...section('Fleet', fleet === undefined ? [] : [...fleetLines(plan, fleet), ...gateFacts(plan, fleet)]),
    ...section('Forecast', forecast === undefined ? [] : forecastLines(plan, forecast)),
    ...section('Notes', notes.filter(line => line !== undefined).map(bare)),
    ...section(
      'Dangers',
      plan.dangers.map(d => `! ${d.kind}: ${bare(d.sentence)}`),
    ),
    ...section('Undo', [...undoCommands(plan.undo), ...plan.undo.limits.map(l => `(${l})`)]),
  ];
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', title, ...lines.map(line => `  ${line}`)];

function changeLine({ file, path, before, after }: Change): string {
  const sign = before === undefined ? '+' : after === undefined ? '-' : '~';
  const values = [before, after].filter(v => v !== undefined).map(v => singleLine(String(v)) || '""');
  return `${sign} ${file}${path === '' ? '' : ` ${path}`}: ${values.join(' → ')}`;
}

const stepLines = (plan: Plan): string[] =>
  plan.exposure.steps.map(step => {
    const hold = step.holdMs === undefined ? '' : `, holds ${durationText(step.holdMs)}`;
    return `${step.state === 'now' ? '>' : ' '} ${percentText(step.percent).padStart(7)}  ${beginText(plan, step)}${hold}`;
  });

function forecastLines(plan: Plan, forecast: PlanForecast): string[] {
  const steps = forecast.kind === 'known' ? forecast.outlook.steps : [];
  const line = outlookLine(plan, forecast);
  return [
    ...steps.map(
      step =>
        `${percentText(step.percent).padStart(7)}  likely over: ${overText(plan, step)}; ${countText(step.devices, 'device')} can take it, reports by then: ${reportsText(step)}`,
    ),
    ...(line === undefined ? [] : [line]),
  ];
}

function fleetLines(plan: Plan, fleet: FleetPlan): string[] {
  const rows = fleet.steps
    .filter(s => !isBelowToday(plan, s.percent))
    .map(
      s =>
        `${percentText(s.percent).padStart(7)}  ${countText(s.actualDevices, 'device')} (nominal ${s.nominalDevices}), ${countText(s.newOffers, 'new offer')}, ${bytesText(s.bytes)}`,
    );
  return [
    `${countText(fleet.devices, 'device')}, ${fleet.neverSeen} never seen, ${countText(fleet.canaries, 'canary device')}`,
    `at once: ${countText(fleet.newOffers, 'new offer')}, ${bytesText(fleet.bytes)} to be served`,
    ...(fleet.forcedBack > 0 ? [`${countText(fleet.forcedBack, 'device')} told to go back`] : []),
    ...fleetFacts(plan, fleet),
    ...rows,
  ];
}
