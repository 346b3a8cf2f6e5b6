/** The outlook of a plan in words, shared by text and Markdown. */
import { HOUR_MS, MINUTE_MS } from '../duration.ts';
import type { Plan } from './index.ts';
import type { PlanForecast, StepOutlook } from './outlook.ts';
import { countText, timeText } from './words.ts';

/** Rounded, because it is an estimate: to 5 minutes below three hours, then to hours. */
const aboutText = (ms: number): string =>
  ms < 3 * HOUR_MS ? `${Math.ceil(ms / (5 * MINUTE_MS)) * 5}m` : `${Math.round(ms / HOUR_MS)}h`;

/** `merge + 18h` for a ramp that starts with its merge and for a plain percent, else the time to the minute. */
function likelyText({ exposure, atMs }: Plan, ms: number): string {
  const fromMerge = exposure.startsWithMerge || exposure.steps.length === 0;
  if (!fromMerge) return timeText(Math.ceil(ms / MINUTE_MS) * MINUTE_MS);
  return ms <= atMs ? 'merge' : `merge + ${aboutText(ms - atMs)}`;
}

/** When a step is likely to be over, or what it waits for. */
export function overText(plan: Plan, step: StepOutlook): string {
  if (step.waits === 'person') return 'a person is asked: too little evidence';
  const over = step.overAtMs === undefined ? '' : likelyText(plan, step.overAtMs);
  if (step.waits === 'approval') return `${over === '' ? '' : `${over}, `}then an approval is needed`;
  if (over !== '') return over;
  return step.beginsAtMs === undefined ? 'not known: an earlier step waits' : 'for good';
}

export const reportsText = ({ reports, needed }: StepOutlook): string =>
  needed === undefined ? String(reports) : `${reports} (${needed} needed)`;

/** When nearly all devices run the build and the basis of the estimate, or why there is no estimate. */
export function outlookLine(plan: Plan, forecast: PlanForecast): string | undefined {
  if (plan.empty) return undefined;
  if (forecast.kind === 'unknown')
    return `There is no forecast of the steps, their reports and the installs: ${forecast.why}.`;
  const { outlook } = forecast;
  const rests = `it rests on the gaps between the check-ins of ${countText(outlook.observed, 'device')}, ${aboutText(outlook.medianGapMs)} at the median. Installs that wait for Wi-Fi or a battery come later, nudged ones sooner`;
  const all =
    outlook.nearlyAllAtMs === undefined
      ? '95 % of the active devices that are offered the build will not run it without a person'
      : `95 % of the active devices that are offered the build run it by ${likelyText(plan, outlook.nearlyAllAtMs)}`;
  return `${all}; ${rests}.`;
}

/** In the order of the plan's steps; undefined for steps that are over. */
export const outlookOfStep = (
  forecast: PlanForecast | undefined,
  percent: number,
): StepOutlook | undefined =>
  forecast?.kind === 'known' ? forecast.outlook.steps.find(s => s.percent === percent) : undefined;
