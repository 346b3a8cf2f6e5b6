/**
 * Agents that are wrong in one way each: ours, with one thing turned. The conformance kit is there to catch them, and
 * each check names the one it catches.
 */
import { type Dispatcher, interceptors } from 'undici';
import type { Effect, Step } from '../../../agent/effect.ts';
import type { Fact } from '../../../agent/fact.ts';
import type { AgentState } from '../../../agent/state.ts';
import type { Outcome, Reported } from '../../../controller/domain/outcome.ts';
import type { Wrong } from './own-agent.ts';

type FactOf<T extends Fact['type']> = Extract<Fact, { type: T }>;

/** Judges another fact than the one that came; undefined: none at all. */
const instead = (change: (fact: Fact, state: AgentState) => Fact | undefined): Wrong => ({
  step: right => (state, fact) => {
    const changed = change(fact, state);
    return changed === undefined ? { state, effects: [] } : right(state, changed);
  },
});

/** Does something else with what was judged. */
const then = (change: (step: Step, fact: Fact, before: AgentState) => Step): Wrong => ({
  step: right => (state, fact) => change(right(state, fact), fact, state),
});

const effects = (change: (effect: Effect) => Effect | undefined): Wrong =>
  then(step => ({
    ...step,
    effects: step.effects.map(change).filter(effect => effect !== undefined),
  }));

const checked = (change: (fact: FactOf<'checked'>, state: AgentState) => Fact): Wrong =>
  instead((fact, state) => (fact.type === 'checked' ? change(fact, state) : fact));

/** Takes a waited-for condition for a good one where `wrongly` says so. */
const overrides = (wrongly: (fact: FactOf<'checked'>) => boolean, good: object): Wrong =>
  checked(fact =>
    wrongly(fact) && fact.conditions !== undefined
      ? { ...fact, conditions: { ...fact.conditions, ...good } }
      : fact,
  );

const offerOf = (fact: FactOf<'checked'>) => (fact.answer.kind === 'offer' ? fact.answer.offer : undefined);

/** Says something else of an attempt that ended this way. */
function reporting(outcome: Outcome, instead: Partial<Reported>): Wrong {
  return effects(effect =>
    effect.type === 'report' && effect.report.outcome === outcome
      ? { ...effect, report: { ...effect.report, ...instead } }
      : effect,
  );
}

/** Follows redirects wherever they lead, the way a careless HTTP client does. */
const followsRedirects = (of: RegExp): Wrong => ({
  network: network => {
    const following = network.compose(interceptors.redirect({ maxRedirections: 5 }));
    return {
      dispatch: (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) =>
        (of.test(options.path) ? following : network).dispatch(options, handler),
    } as unknown as Dispatcher;
  },
});

/** At once, where a right agent waits after a failure. */
const hammersAfter = (cause: RegExp): Wrong =>
  then((step, fact) => {
    const failed = fact.type === 'checked' && fact.answer.kind === 'failed' && cause.test(fact.answer.code);
    return failed
      ? { ...step, effects: step.effects.map(e => (e.type === 'timer' ? { ...e, inMs: 0 } : e)) }
      : step;
  });

/** Keeps the pauses after failures as `change` makes them. */
const pauses = (
  change: (penalties: AgentState['penalties'], state: AgentState) => AgentState['penalties'],
): Wrong =>
  then(step => ({ ...step, state: { ...step.state, penalties: change(step.state.penalties, step.state) } }));

const confirmsAnyway = (field: 'buildId' | 'sha256'): Wrong =>
  checked((fact, state) => {
    const { phase } = state;
    const offer = offerOf(fact);
    if (phase.name !== 'confirming' || offer === undefined || offer[field] === phase.attempt.offer[field])
      return fact;
    const { attempt } = phase;
    return { ...fact, answer: { kind: 'offer', offer: attempt.offer, pace: state.pace } };
  });

export const WRONG_AGENTS = {
  follows_redirects_of_checks: followsRedirects(/\/v1\/agent\/update/),
  follows_redirects_of_results: followsRedirects(/\/v1\/action-result/),
  trusts_the_manifests_lineage: instead((fact, state) =>
    fact.type === 'verified' &&
    !fact.result.ok &&
    state.phase.name === 'verifying' &&
    state.phase.attempt.offer.signerLineage.length > 0
      ? { ...fact, result: { ok: true, ms: 1 } }
      : fact,
  ),
  takes_numbers_in_quotes: {
    network: network =>
      rewriting(network, text => text.replace(/"min_battery_percent":"(\d+)"/, '"min_battery_percent":$1')),
  },
  ignores_min_sdk: instead(fact =>
    fact.type === 'verified' && !fact.result.ok && fact.result.reason === 'incompatible_sdk'
      ? { ...fact, result: { ok: true, ms: 1 } }
      : fact,
  ),
  lets_deadlines_override_the_battery: overrides(fact => offerOf(fact)?.mustInstall === true, {
    batteryPercent: 100,
  }),
  lets_must_install_override_wifi: overrides(fact => offerOf(fact)?.mustInstall === true, {
    unmeteredWifi: true,
  }),
  downloads_without_wifi: instead((fact, state) =>
    state.phase.name === 'downloading' && (fact.type === 'observed' || fact.type === 'conditions_changed')
      ? undefined
      : fact,
  ),
  hides_its_deferrals: then(step => {
    const unsent = step.state.unsent.filter(report => report.outcome !== 'deferred');
    const hidden = (effect: Effect) => effect.type === 'report' && effect.report.outcome === 'deferred';
    const reportInFlight = step.state.reportInFlight && !step.effects.some(hidden);
    return {
      state: { ...step.state, unsent, reportInFlight },
      effects: step.effects.filter(e => !hidden(e)),
    };
  }),
  appends_a_whole_answer: {
    files: files => ({
      of: sha256 => {
        const file = files.of(sha256);
        return Object.assign(Object.create(file) as typeof file, { truncate: async () => {} });
      },
      discard: keep => files.discard(keep),
      freeBytes: () => files.freeBytes(),
    }),
  },
  installs_another_build_than_confirmed: confirmsAnyway('buildId'),
  installs_other_bytes_than_confirmed: confirmsAnyway('sha256'),
  leaves_nudges_unanswered: instead(fact =>
    fact.type === 'nudged' ? { ...fact, type: 'asked', trigger: 'manual' } : fact,
  ),
  trusts_its_own_clock_alone: {
    clock: right => ({ ...right, wallMs: () => right.wallMs(), monotonicMs: () => right.monotonicMs() }),
    network: network => withoutDate(network),
  },
  forgets_results_at_restart: {
    step: right => (state, fact) =>
      right(fact.type === 'started' ? { ...state, unsent: [], phase: { name: 'idle' } } : state, fact),
  },
  hammers_after_errors: hammersAfter(/^http_/),
  hammers_after_cuts: hammersAfter(/^(?!http_)/),
  asks_all_the_time: effects(effect =>
    effect.type === 'timer' && effect.name === 'poll' ? { ...effect, inMs: 20_000 } : effect,
  ),
  forgets_to_poll: effects(effect =>
    effect.type === 'timer' && effect.name === 'poll' ? undefined : effect,
  ),
  gives_up_after_one_failure: pauses((all, { clockOffsetMs }) =>
    all.map(p => ({
      ...p,
      failures: 3,
      untilMs: Math.max(p.untilMs, Date.now() + clockOffsetMs + 6 * 3_600_000),
    })),
  ),
  never_forgives: {
    step: right => (state, fact) => {
      const lasting = state.penalties.map(p =>
        p.failures >= 3 ? { ...p, untilMs: fact.at.atMs + 6 * 3_600_000 } : p,
      );
      return right({ ...state, penalties: lasting }, fact);
    },
  },
  punishes_every_build: {
    step: right => (state, fact) => {
      const tired = state.penalties.find(p => p.failures >= 3);
      const penalties = tired === undefined ? state.penalties : [tired, { ...tired, buildId: 'b43' }];
      return right({ ...state, penalties }, fact);
    },
  },
  downloads_for_ever: pauses((all, state) => (state.phase.name === 'reporting' ? [] : all)),
  fails_for_wifi: reporting('fail', { reason: 'wifi' }),
  says_ok_for_wifi: reporting('ok', { reason: 'wifi' }),
  says_ok_with_the_old_version: reporting('ok', { versionCode: 41 }),
  never_renews: checked(fact => ({ ...fact, renewToken: false })),
  renews_all_the_time: then((step, fact) =>
    fact.type === 'renewed' ? { ...step, effects: [...step.effects, { type: 'renew' }] } : step,
  ),
  forgets_a_renewed_token: {
    credentials: right => {
      let held: { token: string; nudgeKey: Uint8Array } | undefined;
      return {
        token: () => held?.token ?? right.token(),
        nudgeKeys: nowMs => (held === undefined ? right.nudgeKeys(nowMs) : [held.nudgeKey]),
        renew: async (token, nudgeKey) => {
          held = { token, nudgeKey };
        },
      };
    },
  },
} as const satisfies Readonly<Record<string, Wrong>>;

/** A network whose answers are rewritten as they arrive. */
function rewriting(network: Dispatcher, change: (text: string) => string): Dispatcher {
  const composed = network.compose(dispatch => (options, handler) => {
    const chunks: Buffer[] = [];
    const wrapped = {
      ...bound(handler),
      onResponseData: (_: unknown, chunk: Buffer) => void chunks.push(chunk),
      onResponseEnd: (controller: never, trailers: never) => {
        const whole = Buffer.concat(chunks);
        const body = whole.length < 65_536 ? Buffer.from(change(whole.toString('latin1')), 'latin1') : whole;
        handler.onResponseData?.(controller, body);
        handler.onResponseEnd?.(controller, trailers);
      },
    };
    return dispatch(options, wrapped as never);
  });
  return composed;
}

/** A network that leaves out the `Date`, so that the device's own clock is all there is. */
function withoutDate(network: Dispatcher): Dispatcher {
  return network.compose(
    dispatch => (options, handler) =>
      dispatch(options, {
        ...bound(handler),
        onResponseStart: (
          controller: never,
          status: number,
          headers: Record<string, string>,
          text: string,
        ) => {
          const { date: _, ...others } = headers;
          handler.onResponseStart?.(controller, status, others, text);
        },
      } as never),
  );
}

/** A handler's methods as a plain object, so that some can be replaced. */
const bound = (handler: Dispatcher.DispatchHandler): object => {
  const methods: Record<string, unknown> = {};
  for (const name of [
    'onRequestStart',
    'onRequestUpgrade',
    'onResponseStart',
    'onResponseData',
    'onResponseEnd',
    'onResponseError',
  ] as const) {
    const method = handler[name];
    if (typeof method === 'function')
      methods[name] = (method as (...given: unknown[]) => unknown).bind(handler);
  }
  return methods;
};

export type WrongAgent = keyof typeof WRONG_AGENTS;
