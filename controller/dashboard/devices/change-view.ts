/** What would change a device's offer: only the next applicable step. */
import type { Decision, HoldReason, Snapshot } from '../../domain/decision.ts';
import type { Explanation } from '../../domain/explain.ts';
import type { ResultReason } from '../../domain/outcome.ts';
import { forecast } from '../../domain/ramp/forecast.ts';
import type { DeviceRow, Report } from '../../ports/index.ts';
import { type Html, html, type Part } from '../html.ts';
import { icon, type Shape, type Tone } from '../icons.ts';
import { bytes, moment, momentAgo, percents, span } from '../words.ts';

interface Way {
  readonly shape: Shape;
  readonly tone: Tone;
  readonly name: string;
  readonly about: Part;
}

export interface Asked {
  readonly row: DeviceRow;
  readonly snapshot: Snapshot;
  readonly explained: Explanation;
  /** The device's newest report. */
  readonly newest: Report | undefined;
  readonly nowMs: number;
}

/** Undefined if nothing has to change. */
export function changeView(asked: Asked): Html | undefined {
  const ways = waysOf(asked);
  if (ways.length === 0) return undefined;
  return html`<section class="card" aria-labelledby="h-change"><header><h2 id="h-change">What would change that</h2></header><ul class="dangers">${ways.map(w => html`<li>${icon(w.shape, w.tone)}<span><b>${w.name}</b> ${w.about}</span></li>`)}</ul></section>`;
}

export function waysOf(asked: Asked): Way[] {
  const { row, explained } = asked;
  if (row.revokedAtMs !== undefined)
    return [
      {
        ...WORK,
        name: 'A new admission.',
        about: html`<code class="cmd">ota device rotate ${row.deviceId} --readmit</code>`,
      },
    ];
  const { decision } = explained;
  return decision.kind === 'offer' ? afterOffer(asked, decision) : (HOLDS[decision.reason]?.(asked) ?? []);
}

const TIME = { shape: 'wait', tone: 'wait' } as const;
const WORK = { shape: 'dot', tone: 'none' } as const;

const WAITS: Readonly<Partial<Record<ResultReason, string>>> = {
  wifi: 'A Wi-Fi network.',
  battery: 'A fuller battery, or a charger.',
  call: 'The end of its call.',
  storage: 'Free space on the device.',
};

/** It has an offer; its last report shows what blocks the install. */
function afterOffer(
  { newest, snapshot, row }: Asked,
  { build }: Extract<Decision, { kind: 'offer' }>,
): Way[] {
  const said = newest?.buildId === build.buildId ? newest : undefined;
  const waits = said?.outcome === 'deferred' ? WAITS[said.reason] : undefined;
  if (waits !== undefined) {
    const then = `It then asks again, downloads ${bytes(build.sizeBytes)} and installs.`;
    const deadline: Way = {
      ...WORK,
      name: 'A deadline.',
      about: html`<code>must_install: true</code> with a <code>deadline</code> lets devices use mobile data after that time. It would count for all that are offered ${build.buildId}.`,
    };
    const mayForce = said?.reason === 'wifi' && snapshot.rollout.wifiOnly && !snapshot.rollout.mustInstall;
    return [{ ...TIME, name: waits, about: then }, ...(mayForce ? [deadline] : [])];
  }
  if (said?.outcome === 'fail')
    return [
      {
        ...TIME,
        name: 'Another try.',
        about: 'The agent tries again by itself, each time after a longer pause.',
      },
      {
        ...WORK,
        name: 'A fixed build.',
        about: html`It failed with <code>${said.reason}</code>${said.detail !== undefined && html`: ${said.detail}`}.`,
      },
    ];
  const push = row.hasPushToken ? '' : ' It has no push token, so nothing hastens it.';
  return [{ ...TIME, name: 'Its next check.', about: `It is offered ${build.buildId} then.${push}` }];
}

const HOLDS: Readonly<Partial<Record<HoldReason, (asked: Asked) => Way[]>>> = {
  suspended: ({ snapshot, nowMs }) => {
    const untilMs = snapshot.rollout.suspend?.untilMs ?? nowMs;
    return [
      { ...TIME, name: 'The end of the suspend.', about: html`${momentAgo(untilMs, nowMs)}, by itself.` },
    ];
  },
  outside_cohort: outside,
  withdrawn: () => [{ ...WORK, name: 'A newer build.', about: 'What was withdrawn is never offered again.' }],
  incompatible_sdk: ({ row, snapshot }) => [
    {
      ...WORK,
      name: 'A build for its Android.',
      about: `It has SDK ${row.sdk ?? 'unknown'}; ${snapshot.current.buildId} needs ${snapshot.current.minSdk}.`,
    },
  ],
  signer_mismatch: () => [
    {
      ...WORK,
      name: 'An agent with the right signer.',
      about:
        'Android lets no update change the key. Reinstall the agent, or ship a build whose lineage proves the old key.',
    },
  ],
  ahead: ({ snapshot }) => [
    {
      ...WORK,
      name: 'A forced downgrade.',
      about: html`<code>force_downgrade: true</code>, which Android takes from debuggable builds and system installers alone; else rebuild ${snapshot.lastSafe?.buildId ?? 'the old code'} with a higher version code.`,
    },
  ],
  artifact_missing: () => [
    { ...WORK, name: 'The APK.', about: html`Upload it again: <code class="cmd">ota build add APK</code>` },
  ],
};

/** The step that reaches its bucket, or the action of a person if no step does. */
function outside({ snapshot, explained, nowMs }: Asked): Way[] {
  const { rollout, progress, halts, current, state } = snapshot;
  if (halts.length > 0)
    return [
      {
        ...WORK,
        name: 'The end of the halt.',
        about: html`<code class="cmd">ota resume --reason "why it is safe"</code> Or a fixed build.`,
      },
    ];
  const steps = forecast(rollout, progress, nowMs, state.policy?.freezeWindows ?? []);
  const step = steps.find(s => s.state === 'next' && explained.bucket < s.percent * 100);
  const share = percents(Math.floor(explained.bucket / 100 + 1));
  if (step === undefined)
    return [
      {
        ...WORK,
        name: `A rollout to ${share} or more.`,
        about: `No step of this one reaches bucket ${explained.bucket}.`,
      },
    ];
  const when =
    step.atMs === undefined
      ? 'once no freeze window is open'
      : html`${moment(step.atMs, nowMs)} at the earliest, in ${span(step.atMs - nowMs)}`;
  return [
    {
      ...TIME,
      name: `The step to ${percents(step.percent)}.`,
      about: html`It reaches this device's bucket and offers it ${current.buildId}: ${when}.`,
    },
  ];
}
