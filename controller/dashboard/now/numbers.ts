/** Four numbers, each with an explanation. */
import { effectivePercent } from '../../domain/decision.ts';
import { subjectOf } from '../../domain/progress.ts';
import { type Html, html } from '../html.ts';
import { count, counted, share, span } from '../words.ts';
import type { InForce, NowFacts } from './facts.ts';

const cell = (label: string, value: string, of: string, why: string): Html =>
  html`<div><dt>${label}</dt><dd>${value}${of !== '' && html` <small>${of}</small>`}</dd><dd class="why">${why}</dd></div>`;

export function numbersView(it: InForce, { counts, lastHour, activeWithinMs, nowMs }: NowFacts): Html {
  const { enrolled, active } = counts;
  const { snapshot, running, runningSafe } = it;
  const { current, lastSafe } = snapshot;
  const ofActive = `of ${count(active)} active`;
  const offers = offersOf(it, nowMs);
  return html`<dl class="nums">${[
    cell(
      'Enrolled devices',
      count(enrolled),
      '',
      `${count(active)} active: checked within ${span(activeWithinMs)}, ${count(lastHour)} of them in the last hour. ${count(enrolled - active)} have not checked in for longer.`,
    ),
    cell(
      `Run ${current.buildId}`,
      count(running),
      ofActive,
      `${share(running, active)} of the active fleet.`,
    ),
    cell(`Are offered ${offers.buildId}`, count(offers.devices), ofActive, offers.why),
    lastSafe === undefined || lastSafe.buildId === current.buildId
      ? cell('Run something else', count(active - running), ofActive, 'Earlier builds, declared or not.')
      : cell(
          `Run ${lastSafe.buildId}`,
          count(runningSafe),
          ofActive,
          `The last safe build; ${count(Math.max(0, active - running - runningSafe))} run something else.`,
        ),
  ]}</dl>`;
}

/** Counts for the target build, which is the last safe one in a rollback. */
function offersOf(it: InForce, nowMs: number): { buildId: string; devices: number; why: string } {
  const { snapshot, suspended, counted: c } = it;
  const { buildId, kind } = subjectOf(snapshot);
  if (suspended) return { buildId, devices: 0, why: 'All offers are frozen.' };
  const stopped =
    kind === 'rollout' && (snapshot.halts.length > 0 || effectivePercent(snapshot, nowMs) === 0);
  if (c === undefined) return { buildId, devices: 0, why: 'The fleet is being counted.' };
  const { offered, exposed, canaries } = c.progress;
  if (stopped && canaries.exposed === 0) return { buildId, devices: 0, why: 'Nobody is offered it now.' };
  const meant = `It is ${kind === 'rollback' ? 'the way back' : 'meant'} for ${counted(exposed, 'enrolled device')}`;
  return {
    buildId,
    devices: offered,
    why: `${meant}${canaries.exposed > 0 ? `, ${count(canaries.exposed)} of them ${canaries.exposed === 1 ? 'a canary' : 'canaries'}` : ''}.`,
  };
}
