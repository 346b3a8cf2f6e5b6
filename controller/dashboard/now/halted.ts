/** Why a gate halted, with its figures, and what ends the halt. */
import { judgedOf } from '../../domain/gate/evidence.ts';
import { haltIn } from '../../domain/halt.ts';
import { rampOf } from '../../domain/ramp/progress.ts';
import { type Html, html, type Part } from '../html.ts';
import { icon, type Shape, type Tone } from '../icons.ts';
import { count, counted, percents, share } from '../words.ts';
import type { InForce } from './facts.ts';
import { capital, reasonText } from './reasons.ts';
import type { NowState } from './state.ts';

/** The first reason with its count, or else the reasons in words. */
export function haltSentence({ snapshot, evidence }: InForce): Part {
  const halt = haltIn(snapshot.halts);
  const reasons = (halt?.reason ?? '').split(', ');
  const gate = rampOf(snapshot.rollout)?.gate;
  if (evidence === undefined || gate === undefined) return `${capital(halt?.reason ?? '')}.`;
  const { cohort, canary } = evidence;
  const limit = percents(gate.installFailRatioMax * 100);
  if (reasons.includes('install_failures') && judgedOf(cohort) > 0)
    return html`Too many installs failed: <b>${count(cohort.fail)} of ${counted(judgedOf(cohort), 'judged device')}, ${share(cohort.fail, judgedOf(cohort))}</b>, with a limit of ${limit}.`;
  if (reasons.includes('canary_failures') && canary.taken > 0)
    return html`Too many canaries failed: <b>${count(canary.fail)} of the ${count(canary.taken)} that took it</b>, with a limit of ${limit}.`;
  if (reasons.includes('silence') && cohort.takenLongAgo > 0)
    return html`Devices stopped checking in after they took it: <b>${count(cohort.silent)} of ${count(cohort.takenLongAgo)}</b>.`;
  if (reasons.includes('verify_failures'))
    return html`<b>${counted(cohort.verifyFail + canary.verifyFail, 'device')}</b> found wrong bytes or a wrong signer, although the stored APK is right.`;
  return `${capital(reasonText((halt?.reason ?? '').split(', ') as never[]) || (halt?.reason ?? ''))}.`;
}

interface WayOut {
  readonly shape: Shape;
  readonly tone: Tone;
  readonly name: string;
  readonly about: Part;
}

/** What ends this state, the safest first; empty for states that end by themselves. */
export function endsView(state: NowState, it: InForce): Html | undefined {
  const ways = waysOf(state, it);
  if (ways.length === 0) return undefined;
  const title = { halted: 'What ends a halt', braked: 'What lifts the brake', asks: 'What you can answer' }[
    state as string
  ];
  return html`<section class="card" aria-labelledby="h-ends"><header><h2 id="h-ends">${title ?? 'What comes next'}</h2><p>${state === 'asks' ? 'it waits until you answer' : 'it does not end by itself'}</p></header>
<ul class="dangers">${ways.map(w => html`<li>${icon(w.shape, w.tone)}<span><b>${w.name}</b> ${w.about}</span></li>`)}</ul></section>`;
}

function waysOf(state: NowState, { snapshot, running }: InForce): WayOut[] {
  const { current, lastSafe } = snapshot;
  const back: WayOut = {
    shape: 'back',
    tone: 'back',
    name: 'Roll back.',
    about: html`Everybody is offered ${lastSafe?.buildId ?? 'nothing'}. ${running === 1 ? 'The one device' : `The ${count(running)} devices`} on ${current.buildId} stay there until a newer build comes. <code class="cmd">ota rollback --open-pr</code>`,
  };
  const fixed: WayOut = {
    shape: 'move',
    tone: 'move',
    name: 'Promote a fixed build.',
    about: html`It starts its own ramp, with evidence of its own. <code class="cmd">ota promote BUILD --open-pr</code>`,
  };
  const resume = (name: string, about: string, command: string): WayOut => ({
    shape: 'ok',
    tone: 'ok',
    name,
    about: html`${about} <code class="cmd">${command}</code>`,
  });
  if (state === 'halted')
    return [
      back,
      fixed,
      resume(
        'Resume with a reason.',
        'The same step goes on. The evidence so far does not halt it again; more failures do.',
        'ota resume --reason "why it is safe"',
      ),
    ];
  if (state === 'braked')
    return [
      back,
      resume(
        'Lift it.',
        'Devices are offered again what Git and the ramp allow.',
        'ota resume --reason "why it is safe"',
      ),
    ];
  if (state === 'asks')
    return [
      resume(
        'Let it go on.',
        'This step goes on. The next step is judged on its own.',
        'ota resume --reason "why it is safe"',
      ),
      back,
    ];
  if (state === 'rolled_back') return [fixed];
  return [];
}
