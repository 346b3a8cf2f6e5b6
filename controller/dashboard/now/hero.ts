/** The headline: the state, who is offered what, what happens next and on which condition. */
import { nameOfActor } from '../../domain/actor.ts';
import { haltIn } from '../../domain/halt.ts';
import { nextStepOf } from '../../domain/ramp/forecast.ts';
import { percentAt, rampOf } from '../../domain/ramp/progress.ts';
import { type Html, html, type Part } from '../html.ts';
import { type Shape, state, type Tone } from '../icons.ts';
import { count, counted, moment, momentAgo, percents, share, since } from '../words.ts';
import { buildName, type InForce, type NowFacts } from './facts.ts';
import { haltSentence } from './halted.ts';
import { reasonText } from './reasons.ts';
import type { NowState } from './state.ts';

interface Hero {
  readonly shape: Shape;
  readonly tone: Tone;
  readonly kicker: string;
  readonly heading: string;
  readonly say: Part;
  /** Tinted if a person should act, or if offers differ from Git. */
  readonly loud?: 'stop' | 'pause' | 'back' | 'wait';
}

type Telling = (it: InForce, facts: NowFacts) => Hero;

const STAYS = html`<b>It stays so until a person acts.</b>`;

/** A halt cuts what a controller sends. What an object store sends goes on, and is confirmed before it is installed. */
const underWay = ({ redirects }: NowFacts): Html | false =>
  redirects && html` Downloads from the object store may still finish, but no device installs them.`;

const HEROES: Readonly<Record<NowState, Telling>> = {
  halted: (it, facts) => ({
    shape: 'halt',
    tone: 'stop',
    loud: 'stop',
    kicker: `Halted by the gate${stepOf(it)}`,
    heading: `${buildName(it.snapshot.current)} is offered to nobody`,
    say: html`${haltSentence(it)} ${haltedSince(it, facts)} no further device gets it; ${keepers(it)}.${underWay(facts)} ${STAYS}`,
  }),
  braked: (it, facts) => {
    const halt = haltIn(it.snapshot.halts);
    return {
      shape: 'halt',
      tone: 'stop',
      loud: 'stop',
      kicker:
        halt?.kind === 'lost' ? 'Stopped until its history is known' : `Brake pressed by ${nameOf(halt?.by)}`,
      heading: `${buildName(it.snapshot.current)} is offered to nobody`,
      say: html`“${halt?.reason ?? ''}”. ${haltedSince(it, facts)} no further device gets it; ${keepers(it)}.${underWay(facts)} ${STAYS}`,
    };
  },
  rolled_back: (it, facts) => {
    const { lastSafe, rollout, current, appliedAtMs } = it.snapshot;
    const halt = haltIn(it.snapshot.halts);
    const stay = rollout.forceDowngrade
      ? html`${count(it.running)} active devices still run ${current.buildId}; they are offered the older build and go back where Android allows it.`
      : html`${counted(it.running, 'active device')} on ${current.buildId} ${it.running === 1 ? 'stays' : 'stay'} there: no device goes back without <code>force_downgrade</code>.`;
    return {
      shape: 'back',
      tone: 'back',
      loud: 'back',
      kicker: rollout.rollback ? 'Rolled back' : `Rolled back by the gate${stepOf(it)}`,
      heading: `Everybody is offered ${lastSafe === undefined ? 'nothing' : buildName(lastSafe)}`,
      say: html`${rollout.reason !== undefined && rollout.rollback && html`“${rollout.reason}”. `}${!rollout.rollback && html`${haltSentence(it)} `}Since ${momentAgo(rollout.rollback ? appliedAtMs : (halt?.atMs ?? appliedAtMs), facts.nowMs)} nobody is offered ${current.buildId}. ${stay}`,
    };
  },
  withdrawn: (it, facts) => {
    const { current, lastSafe } = it.snapshot;
    return {
      shape: 'refused',
      tone: 'stop',
      loud: 'stop',
      kicker: 'Withdrawn',
      heading: `${buildName(current)} is never offered again`,
      say: html`“${current.withdrawn?.reason ?? ''}”. Withdrawn ${momentAgo(current.withdrawn?.atMs ?? facts.nowMs, facts.nowMs)}. ${lastSafe === undefined ? 'Devices are offered nothing' : `Everybody is offered ${buildName(lastSafe)}`}; ${keepers(it)}. Promote a newer build to go on.`,
    };
  },
  suspended: (it, { nowMs }) => {
    const { suspend } = it.snapshot.rollout;
    const untilMs = suspend?.untilMs ?? nowMs;
    const percent = percentAt(it.snapshot.rollout, it.snapshot.progress);
    return {
      shape: 'pause',
      tone: 'pause',
      loud: 'pause',
      kicker: `Suspended${stepOf(it)}`,
      heading: `All offers are frozen until ${plainClock(untilMs)}`,
      say: html`“${suspend?.reason ?? ''}”. Since ${momentAgo(suspend?.sinceMs ?? nowMs, nowMs)} no device is offered anything, ${it.snapshot.lastSafe?.buildId ?? 'the last safe build'} included; installed builds stay. <b>It goes on by itself</b> ${since(untilMs, nowMs)}, at ${percents(percent)}.`,
    };
  },
  asks: it => ({
    shape: 'person',
    tone: 'wait',
    loud: 'wait',
    kicker: `The gate asks a person${stepOf(it)}`,
    heading: `${offeredTo(it)}, and waits for a decision`,
    say: html`The ramp does not go on by itself: ${reasonText(it.snapshot.progress?.judgement?.reasons ?? [])}. Look at the figures below, then resume it or roll back. ${STAYS}`,
  }),
  needs_approval: it => {
    const next = stepAfter(it);
    return {
      shape: 'person',
      tone: 'wait',
      loud: 'wait',
      kicker: `Waits for an approval${stepOf(it)}`,
      heading: offeredTo(it),
      say: html`The step to <b>${percents(next ?? 0)}</b> needs an approval: a commit that sets <code>approved_percent: ${next ?? 0}</code> in <code>rollout.yaml</code>. ${STAYS}`,
    };
  },
  not_begun: (it, { nowMs }) => {
    const { progress, lastSafe } = it.snapshot;
    const reasons = progress?.judgement?.reasons.filter(reason => reason !== 'hold_time') ?? [];
    const first = rampOf(it.snapshot.rollout)?.steps[0]?.percent ?? 0;
    const when =
      reasons.length > 0
        ? html`It waits: ${reasonText(reasons)}. It begins by itself once that is over.`
        : html`It begins at <b>${percents(first)}</b> at ${moment(progress?.beginsAtMs ?? nowMs, nowMs)}, ${since(progress?.beginsAtMs ?? nowMs, nowMs)}.`;
    return {
      shape: 'wait',
      tone: 'wait',
      kicker: 'Not begun',
      heading: `The ramp of ${buildName(it.snapshot.current)} has not begun`,
      say: html`${when} ${meanwhile(lastSafe && buildName(lastSafe))}`,
    };
  },
  ramping: (it, facts) => ({
    shape: 'move',
    tone: 'move',
    kicker: `Rolling out${stepOf(it)}`,
    heading: offeredTo(it),
    say: rampSentence(it, facts),
  }),
  fixed: it => ({
    shape: 'move',
    tone: 'move',
    kicker: 'Rolled out to a fixed share',
    heading: offeredTo(it),
    say: html`It stays there until a commit changes it. ${meanwhile(it.snapshot.lastSafe && buildName(it.snapshot.lastSafe))}`,
  }),
  closed: it => {
    const canaries = it.snapshot.canaryDevices.size + it.snapshot.canaryTags.size > 0;
    return {
      shape: 'dot',
      tone: 'none',
      kicker: 'Closed at 0 %',
      heading: `${buildName(it.snapshot.current)} is offered to ${canaries ? 'canaries alone' : 'nobody'}`,
      say: html`It stays there until a commit raises it. ${meanwhile(it.snapshot.lastSafe && buildName(it.snapshot.lastSafe))}`,
    };
  },
  arriving: (it, facts) => ({
    shape: 'move',
    tone: 'move',
    kicker: `Rolling out${stepOf(it)}`,
    heading: `${buildName(it.snapshot.current)} is offered to the whole fleet`,
    say: arrivingSentence(it, facts),
  }),
  completed: (it, facts) => ({
    shape: 'ok',
    tone: 'ok',
    kicker: 'Completed',
    heading: `${buildName(it.snapshot.current)} runs on ${share(it.running, facts.counts.active)} of the active fleet`,
    say: html`<b>${count(it.running)}</b> of ${counted(facts.counts.active, 'active device')} run it. New and returning devices are offered it at their next check. Nothing has to be done.`,
  }),
};

export const heroOf = (state: NowState, it: InForce, facts: NowFacts): Hero => HEROES[state](it, facts);

export const heroView = (
  hero: Hero,
  acts: Part,
): Html => html`<section class="hero${hero.loud === undefined ? '' : ` loud t-${hero.loud}`}" aria-labelledby="h1"><div aria-live="polite">
<p class="kicker">${state(hero.shape, hero.tone, hero.kicker)}</p>
<h1 id="h1">${hero.heading}</h1>
<p class="say">${hero.say}</p></div>
${acts}</section>`;

function stepOf({ snapshot }: InForce): string {
  const steps = rampOf(snapshot.rollout)?.steps.length ?? 0;
  const step = (snapshot.progress?.step ?? -1) + 1;
  return steps === 0 || step === 0 ? '' : `, step ${step} of ${steps}`;
}

const stepAfter = ({ snapshot }: InForce): number | undefined =>
  rampOf(snapshot.rollout)?.steps[(snapshot.progress?.step ?? -1) + 1]?.percent;

const offeredTo = ({ snapshot }: InForce): string =>
  `${buildName(snapshot.current)} is offered to ${percents(percentAt(snapshot.rollout, snapshot.progress))} of the fleet`;

const meanwhile = (safe: string | undefined): string =>
  safe === undefined ? 'Everybody else is offered nothing.' : `Everybody else is offered ${safe}.`;

const keepers = ({ running }: InForce): string =>
  running === 1
    ? 'the one active device that runs it keeps it'
    : `the ${count(running)} active devices that run it keep it`;

const haltedSince = (it: InForce, { nowMs }: NowFacts): Part =>
  html`Since ${momentAgo(haltIn(it.snapshot.halts)?.atMs ?? nowMs, nowMs)}`;

const nameOf = (actor = ''): string => nameOfActor(actor) ?? actor;

function rampSentence(it: InForce, { nowMs }: NowFacts): Part {
  const { snapshot } = it;
  const { lastSafe, progress } = snapshot;
  const gated = rampOf(snapshot.rollout)?.gate !== undefined;
  const next = nextStepOf(snapshot, nowMs);
  const others = meanwhile(lastSafe && buildName(lastSafe));
  const judgement = progress?.judgement;
  const waits = judgement?.verdict === 'hold' ? judgement.reasons.filter(r => r !== 'hold_time') : [];
  if (next === undefined) return html`No step follows without another commit. ${others}`;
  if (waits.length > 0)
    return html`It is held: ${reasonText(waits)}. It goes on to <b>${percents(next.percent)}</b> by itself once that is over, ${next.atMs > nowMs ? html`at ${moment(next.atMs, nowMs)} at the earliest` : 'not earlier'}. ${others}`;
  if (next.atMs <= nowMs)
    return html`It goes on to <b>${percents(next.percent)}</b> within a minute. ${others}`;
  return html`It goes on to <b>${percents(next.percent)}</b> at <b>${moment(next.atMs, nowMs)}</b>, ${since(next.atMs, nowMs)}${gated && ', if the gate allows it'}. ${others}`;
}

function arrivingSentence({ counted: c, snapshot }: InForce, { counts }: NowFacts): Part {
  if (c === undefined) return 'The fleet is being counted.';
  const { offered, running, exposed, seen } = c.progress;
  if (exposed === 0) return 'It is not meant for any enrolled device yet.';
  if (offered === 0)
    return html`None of the ${counted(counts.enrolled, 'enrolled device')} has checked in within the active window${seen > 0 && ' and can take it'}.`;
  return html`<b>${count(running)}</b> of the ${counted(offered, 'active device')} that are offered ${snapshot.current.buildId} run it, ${share(running, offered)}; the rollout is complete at 99${'\u00a0'}%. Nothing has to be done.`;
}

/** A time for headings, without markup and always with its date. */
function plainClock(ms: number): string {
  const at = new Date(ms);
  const day = at.toLocaleDateString('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  });
  return `${day.replace(',', '')} ${at.toISOString().slice(11, 16)}\u00a0UTC`;
}
