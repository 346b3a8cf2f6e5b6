/** Four numbers, each with what it counts. */
import { effectivePercent } from '../../domain/decision.ts';
import { type Html, html } from '../html.ts';
import { count, counted, share, span } from '../words.ts';
import type { InForce, NowFacts } from './facts.ts';

const cell = (label: string, value: string, of: string, why: string): Html =>
  html`<div><dt>${label}</dt><dd>${value}${of !== '' && html` <small>${of}</small>`}</dd><dd class="why">${why}</dd></div>`;

export function numbersView(it: InForce, { counts, activeWithinMs, nowMs }: NowFacts): Html {
  const { enrolled, active } = counts;
  const { snapshot, running, runningSafe, counted: c } = it;
  const { current, lastSafe } = snapshot;
  const ofActive = `of ${count(active)} active`;
  const percent = effectivePercent(snapshot, nowMs);
  const canaries = c?.progress.canaries;
  const offered = c === undefined || snapshot.halts.length > 0 ? 0 : c.progress.offered;
  const offers =
    snapshot.halts.length > 0 || percent === 0
      ? 'Nobody is offered it now.'
      : c === undefined
        ? 'The fleet is being counted.'
        : `${counted(c.progress.exposed, 'enrolled device')} ${c.progress.exposed === 1 ? 'is' : 'are'} led to it${canaries !== undefined && canaries.exposed > 0 ? `, ${count(canaries.exposed)} as canaries` : ''}.`;
  return html`<dl class="nums">${[
    cell(
      'Enrolled devices',
      count(enrolled),
      '',
      `${count(active)} active: checked within ${span(activeWithinMs)}. ${count(enrolled - active)} not seen since.`,
    ),
    cell(
      `Run ${current.buildId}`,
      count(running),
      ofActive,
      `${share(running, active)} of the active fleet.`,
    ),
    cell(`Are offered ${current.buildId}`, count(offered), ofActive, offers),
    lastSafe === undefined || lastSafe.buildId === current.buildId
      ? cell('Run something else', count(active - running), ofActive, 'Builds of before, declared or not.')
      : cell(
          `Run ${lastSafe.buildId}`,
          count(runningSafe),
          ofActive,
          `The last safe build; ${count(Math.max(0, active - running - runningSafe))} run something else.`,
        ),
  ]}</dl>`;
}
