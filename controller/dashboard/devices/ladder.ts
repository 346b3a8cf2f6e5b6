/** Explains a device's offer: the questions in the order of the decision, and the position of its bucket. */
import type { Snapshot } from '../../domain/decision.ts';
import { type Explanation, HOLD_WHY } from '../../domain/explain.ts';
import { rampOf } from '../../domain/ramp/progress.ts';
import { type Html, html, type Part } from '../html.ts';
import { icon, type Shape, type Tone } from '../icons.ts';
import { count, momentAgo, NBSP, percents, short } from '../words.ts';

interface Rung {
  readonly shape: Shape;
  readonly tone: Tone;
  readonly asks: string;
  readonly finds: string;
  readonly because: Part;
  readonly end?: boolean;
}

export function ladderView(snapshot: Snapshot, explained: Explanation, last: Part, nowMs: number): Html {
  return html`<ol class="ladder">${rungsOf(snapshot, explained, nowMs).map(rungView)}${last}</ol>`;
}

export const rungView = ({ shape, tone, asks, finds, because, end }: Rung): Html =>
  html`<li${end === true && html` class="end"`}>${icon(shape, tone)}<span class="asks">${asks}</span><div><span class="finds">${finds}</span> <span class="because">${because}</span></div></li>`;

const PASS = { shape: 'ok', tone: 'ok' } as const;
const NEUTRAL = { shape: 'dot', tone: 'none' } as const;
const STOP = { shape: 'halt', tone: 'stop' } as const;

function rungsOf(snapshot: Snapshot, explained: Explanation, nowMs: number): Rung[] {
  const { rollout, halts, current, appliedAtMs, revision } = snapshot;
  const { steps, decision, canary, bucket, threshold, percent } = explained;
  const why = (step: string): string => steps.find(s => s.step === step)?.why ?? '';
  const release: Rung = {
    ...PASS,
    asks: 'Is a release in force?',
    finds: short(revision),
    because: html`since ${momentAgo(appliedAtMs, nowMs)}`,
  };
  const answer: Rung =
    decision.kind === 'offer'
      ? {
          shape: 'move',
          tone: 'move',
          asks: 'So the answer is',
          finds: `Offer ${decision.build.buildId}`,
          because: ELIGIBLE[decision.eligibleBy],
          end: true,
        }
      : {
          shape: decision.reason === 'up_to_date' ? 'ok' : 'dot',
          tone: decision.reason === 'up_to_date' ? 'ok' : 'none',
          asks: 'So the answer is',
          finds: 'Nothing',
          because: HOLD_WHY[decision.reason],
          end: true,
        };
  if (steps[0]?.finding === 'suspended')
    return [
      release,
      { shape: 'pause', tone: 'pause', asks: 'Are offers frozen?', finds: 'Yes', because: why('suspend') },
      answer,
    ];
  const halt = halts[0];
  return [
    release,
    { ...PASS, asks: 'Are offers frozen?', finds: 'No', because: 'no suspend is in force' },
    halt === undefined
      ? {
          ...PASS,
          asks: 'Is the build stopped?',
          finds: 'No',
          because: `neither a gate nor a person has stopped ${current.buildId}`,
        }
      : {
          ...STOP,
          asks: 'Is the build stopped?',
          finds: 'Yes',
          because: html`${halt.kind === 'gate' ? 'its gate has halted it' : 'a person pressed the brake'} ${momentAgo(halt.atMs, nowMs)}`,
        },
    rollout.rollback
      ? {
          shape: 'back',
          tone: 'back',
          asks: 'Is it rolled back?',
          finds: 'Yes',
          because: `${current.buildId} is offered to nobody`,
        }
      : {
          ...PASS,
          asks: 'Is it rolled back?',
          finds: 'No',
          because: `${current.buildId} is the build being promoted`,
        },
    canary
      ? { ...PASS, asks: 'Is it a canary?', finds: 'Yes', because: why('cohort') }
      : {
          ...NEUTRAL,
          asks: 'Is it a canary?',
          finds: 'No',
          because: 'none of its tags is a canary tag, and it is not listed',
        },
    {
      ...(bucket < threshold ? PASS : NEUTRAL),
      asks: `Is it in the ${percents(percent)}?`,
      finds: bucket < threshold ? 'Yes' : 'No',
      because: html`bucket ${count(bucket)} of 10,000, ${bucket < threshold ? 'below' : 'not below'} ${count(threshold)}${rollout.cohortSeed !== '' && html`; seed “${rollout.cohortSeed}”`}${ruler(snapshot, bucket, percent)}`,
    },
    {
      ...(decision.kind === 'offer' || decision.reason === 'up_to_date' ? PASS : NEUTRAL),
      asks: 'Which build is it led to?',
      finds: steps.find(s => s.step === 'target')?.finding ?? '',
      because: why('target'),
    },
    {
      ...NEUTRAL,
      asks: 'What does it run?',
      finds: steps.find(s => s.step === 'installed')?.finding ?? '',
      because: why('installed'),
    },
    answer,
  ];
}

const ELIGIBLE = {
  canary: 'as a canary, at every check',
  rollout: 'as part of the rollout, at every check',
  baseline: 'as everybody whom the rollout has not reached',
  rollback: 'because the rollout is rolled back',
} as const;

/** The position of the bucket among the steps of the ramp. */
function ruler(snapshot: Snapshot, bucket: number, percent: number): Html {
  const steps = rampOf(snapshot.rollout)?.steps.map(s => s.percent) ?? [percent];
  // Labels closer than 9 % of the width would overlap.
  const marks = [...new Set([...steps, 100])].filter(p => p > 0).sort((a, b) => a - b);
  const shown = marks.filter(
    (p, at) =>
      p === percent ||
      at === marks.length - 1 ||
      ((marks[at + 1] ?? 101) - p >= 9 && Math.abs(p - percent) >= 9),
  );
  const at = bucket / 100;
  const anchor = (p: number): string => (p > 92 ? 'end' : p < 4 ? 'start' : 'middle');
  return html`<svg class="ruler" role="img" aria-label="Bucket ${bucket} of 10,000; ${percents(percent)} reach to ${percent * 100}"><text x="${at}%" y="12" class="em" text-anchor="${anchor(at)}">bucket ${count(bucket)}</text><svg x="${at}%" y="16" overflow="visible"><path class="f-ink" d="M-5 0h10L0 7Z"/></svg><rect y="26" width="100%" height="6" class="f-line"/><rect y="26" width="${percent}%" height="6" class="f-current"/>${marks.map(p => html`<line class="axis" x1="${p}%" x2="${p}%" y1="32" y2="38"/>`)}${shown.map(p => html`<text x="${p}%" y="52" class="${p === percent ? 'em' : ''}" text-anchor="${anchor(p)}">${p}${NBSP}%</text>`)}</svg>`;
}
