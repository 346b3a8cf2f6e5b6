/** The gate of the step: the verdict as a sentence, then each condition with count and limit. */
import type { Advice } from '../../domain/gate/advice.ts';
import { type Evidence, judgedOf } from '../../domain/gate/evidence.ts';
import { DEFAULT_GATE, type Gate } from '../../domain/gate/gate.ts';
import type { Figures, Judgement } from '../../domain/gate/judge-step.ts';
import { HALT_AT } from '../../domain/gate/proof.ts';
import { rampOf } from '../../domain/ramp/progress.ts';
import { type Html, html, type Part } from '../html.ts';
import { icon, type Shape, state as stateMark, type Tone } from '../icons.ts';
import { count, counted, percents, share, span } from '../words.ts';
import type { InForce } from './facts.ts';
import { capital, reasonText } from './reasons.ts';
import type { NowState } from './state.ts';

/** A plain percent has no steps, so it shows what a gate would say. */
export function gateView(state: NowState, it: InForce): Html | undefined {
  const { snapshot, evidence } = it;
  const ramp = rampOf(snapshot.rollout);
  const gate = ramp?.gate;
  if (ramp === undefined) return it.advice === undefined ? undefined : adviceView(it.advice);
  if (gate === undefined || evidence === undefined)
    return html`<section class="card" aria-labelledby="h-gate"><header><h2 id="h-gate">No gate</h2></header><p class="q">The next step opens by time alone. A gate stops a ramp when installs fail or devices stop checking in. To add one, set <code>ramp.gate</code> in rollout.yaml.</p></section>`;
  const judgement = snapshot.progress?.judgement;
  const { cohort, canary } = evidence;
  const title = state === 'halted' ? 'Why the gate halted' : 'The gate of this step';
  return html`<section class="card" aria-labelledby="h-gate"><header><h2 id="h-gate">${title}</h2><p>judges ${counted(judgedOf(cohort), 'device')} of the rollout, and ${count(canary.taken)} ${canary.taken === 1 ? 'canary' : 'canaries'} apart</p></header>
${verdictLine(state, judgement)}
<ul class="gate">${conditions(gate, evidence, judgement?.figures, snapshot.progress?.exposureMs ?? 0, holdOf(it))}</ul></section>`;
}

/** Information only: a plain percent never narrows by itself. */
function adviceView({ judgement, evidence }: Advice): Html {
  const { cohort, canary } = evidence;
  return html`<section class="card" aria-labelledby="h-gate"><header><h2 id="h-gate">What a gate would say</h2><p>with its defaults, of ${counted(judgedOf(cohort), 'device')} and ${count(canary.taken)} ${canary.taken === 1 ? 'canary' : 'canaries'}; for information; it changes nothing</p></header>
${adviceLine(judgement)}
<ul class="gate">${conditions(DEFAULT_GATE, evidence, judgement.figures, 0, undefined)}</ul></section>`;
}

function adviceLine({ verdict, reasons, figures }: Judgement): Part {
  const why = capital(reasonText(reasons.filter(r => r !== 'hold_time')));
  const proof = proofText(figures);
  const said = why === '' ? proof : html`${why}. ${proof}`;
  if (verdict === 'halt') return line('stop', 'halt', 'stop', 'It would halt.', said);
  if (verdict === 'advance') return line('ok', 'ok', 'ok', 'It would let the build go on.', proof);
  return line('wait', 'wait', 'wait', 'It would wait.', said);
}

const line = (look: string, shape: Shape, tone: Tone, word: string, text: Part): Html =>
  html`<p class="verdict t-${look}"><b>${stateMark(shape, tone, word)}</b> ${text}</p>`;

const holdOf = ({ snapshot }: InForce): number | undefined =>
  rampOf(snapshot.rollout)?.steps[snapshot.progress?.step ?? -1]?.holdMs;

const AT_REST: ReadonlySet<NowState> = new Set(['rolled_back', 'withdrawn', 'braked', 'suspended']);

function verdictLine(state: NowState, judgement: Judgement | undefined): Part {
  const proof = proofText(judgement?.figures);
  if (state === 'halted' || judgement?.verdict === 'halt')
    return line('stop', 'halt', 'stop', 'Halted.', html`The failures are too many to be chance. ${proof}`);
  if (AT_REST.has(state))
    return line(
      'none',
      'pause',
      'none',
      'Paused.',
      html`No step is entered while the build is not offered. Reports of devices are still counted. ${proof}`,
    );
  if (judgement === undefined)
    return line('none', 'none', 'none', 'Not judged yet.', 'The first judgement comes within a minute.');
  const why = reasonText(judgement.reasons.filter(r => r !== 'hold_time'));
  switch (judgement.verdict) {
    case 'counting':
      return line('ok', 'ok', 'ok', 'All well so far.', html`The hold of the step is not over. ${proof}`);
    case 'advance':
      return line('ok', 'ok', 'ok', 'Passed.', html`${why !== '' && `Although ${why}. `}${proof}`);
    case 'hold':
      return line(
        'wait',
        'wait',
        'wait',
        'Held.',
        html`${why === '' ? 'It goes on by itself once the cause is gone' : `It waits because ${why}`}. ${proof}`,
      );
    case 'waiting_for_person':
      return line('wait', 'person', 'wait', 'Waits for a person.', html`${capital(why)}. ${proof}`);
    case 'waiting_for_approval':
      return line('ok', 'person', 'ok', 'Passed.', html`The next step needs an approval. ${proof}`);
  }
}

function proofText(figures: Figures | undefined): Part {
  if (figures === undefined) return undefined;
  const strongest = Math.exp(Math.max(figures.lnFail, figures.lnCanary));
  const shown =
    strongest >= 1000
      ? 'over 1,000'
      : strongest < 0.01
        ? 'under 0.01'
        : String(Number(strongest.toPrecision(2)));
  return `Evidence of failing installs: ${shown}; the gate halts at ${HALT_AT}.`;
}

interface Condition {
  readonly shape: Shape;
  readonly tone: Tone;
  readonly name: string;
  readonly value: Part;
  readonly bar?: { readonly value: number; readonly limit: number } | undefined;
  readonly sub?: Part;
}

function conditions(
  gate: Gate,
  evidence: Evidence,
  figures: Figures | undefined,
  exposureMs: number,
  holdMs: number | undefined,
): Html[] {
  const { cohort, canary, control } = evidence;
  const judged = judgedOf(cohort);
  const ratio = judged === 0 ? 0 : cohort.fail / judged;
  const fails = ratio > gate.installFailRatioMax;
  const wrong = cohort.verifyFail + canary.verifyFail;
  const silenceLimit = figures?.silenceLimit ?? gate.silenceMax;
  const quiet = cohort.takenLongAgo === 0 ? 0 : cohort.silent / cohort.takenLongAgo;
  const enough =
    figures !== undefined && figures.judged >= figures.needed && figures.followed >= figures.needed;
  const rows: Condition[] = [
    {
      ...(fails ? BAD : GOOD),
      name: 'Failed installs',
      value: html`<b>${count(cohort.fail)} of ${count(judged)}</b> judged · ${share(cohort.fail, judged)}, limit ${percents(gate.installFailRatioMax * 100)}`,
      bar: { value: ratio, limit: gate.installFailRatioMax },
    },
    {
      ...(canary.fail > 0 ? DOUBT : GOOD),
      name: 'Failed canaries',
      value: html`<b>${count(canary.fail)} of ${count(canary.taken)}</b> that took it`,
    },
    {
      ...(wrong > gate.verifyFailMax ? BAD : wrong > 0 ? DOUBT : GOOD),
      name: 'Wrong bytes or signer',
      value: html`<b>${count(wrong)}</b>, limit ${count(gate.verifyFailMax)}`,
    },
    {
      ...(quiet > silenceLimit && cohort.silent > 1 ? BAD : GOOD),
      name: 'No check-in after the update',
      value: html`<b>${count(cohort.silent)} of ${count(cohort.takenLongAgo)}</b> · accepted ${percents(Number((silenceLimit * 100).toFixed(1)))}`,
      sub: `Took the build and did not check in for ${span(gate.silenceAfterMs)}. ${figures?.hasControl === true ? `Without the build: ${count(control.silent)} of ${counted(control.devices, 'device')}.` : 'Too few devices without the build to compare with.'}`,
    },
    {
      ...(enough ? GOOD : OPEN),
      name: 'Evidence',
      value:
        figures === undefined
          ? 'not counted yet'
          : html`<b>${count(figures.judged)}</b> judged and <b>${count(figures.followed)}</b> seen again, ${count(figures.needed)} needed`,
    },
    ...(holdMs === undefined
      ? []
      : [
          {
            ...(exposureMs >= holdMs ? GOOD : OPEN),
            name: 'Hold of the step',
            value: html`<b>${span(Math.min(exposureMs, holdMs))}</b> of ${span(holdMs)}`,
          },
        ]),
  ];
  return rows.map(conditionView);
}

const GOOD = { shape: 'ok', tone: 'ok' } as const;
const OPEN = { shape: 'wait', tone: 'none' } as const;
const DOUBT = { shape: 'warn', tone: 'wait' } as const;
const BAD = { shape: 'halt', tone: 'stop' } as const;

const conditionView = ({ shape, tone, name, value, bar, sub }: Condition): Html =>
  html`<li>${icon(shape, tone)}<span>${name}</span><span class="lim">${value}</span>${bar !== undefined && bullet(bar, tone)}${sub !== undefined && html`<span class="sub">${sub}</span>`}</li>`;

/** A bar of the value against its limit. The limit is in the middle, or further left if the value exceeds it. */
function bullet({ value, limit }: { value: number; limit: number }, tone: Tone): Html {
  const whole = Math.max(limit * 2, value * 1.25);
  const at = (v: number): string => ((v * 100) / whole).toFixed(1);
  return html`<svg class="bullet" aria-hidden="true"><rect y="4" width="100%" height="4" rx="2" class="f-sunken"/><rect y="4" width="${at(value)}%" height="4" rx="2" class="f-${tone}"/><rect x="${at(limit)}%" y="0" width="2" height="12" class="f-ink"/></svg>`;
}
