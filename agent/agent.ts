/**
 * The runner: passes facts to `step` one at a time, makes the new state durable, and only then performs the effects
 * (SPEC §9). All of the agent's I/O goes through its ports.
 */
import { faultCode } from '../controller/domain/fault.ts';
import {
  NUDGE_MAX_AHEAD_MS,
  NUDGE_REPLAY_WINDOW_MS,
  verifyNudge,
} from '../controller/domain/nudge/message.ts';
import { LogTime, ServerTime } from './clock.ts';
import type { Effect } from './effect.ts';
import { Effects } from './effects.ts';
import type { AgentEvent, Counters, NudgeRefusal } from './event.ts';
import type { Fact, Moment } from './fact.ts';
import type { AgentOptions } from './options.ts';
import { uuidFrom } from './random.ts';
import { type AgentState, newState } from './state.ts';
import { step } from './step.ts';

/** Most nudges to remember. Beyond that, valid nudges within the replay window are refused, so none is forgotten. */
const MAX_SEEN_NUDGES = 256;
const SAVE_RETRY_MS = 30_000;
const STOP_LIMIT_MS = 30_000;

type Pending = (at: Moment) => Fact;

export class Agent {
  readonly #options: AgentOptions;
  readonly #queue: Pending[] = [];
  readonly #timers = new Map<string, () => void>();
  readonly #counters: Counters = {};
  #effects: Effects | undefined;
  #time: ServerTime;
  readonly #logTime = new LogTime();
  #state: AgentState;
  #draining = false;
  #waitingForDisk = false;
  #dead = false;
  #stopping = false;
  #stopWatching: () => void = () => {};
  #settled: (() => void)[] = [];
  #gone: (() => void)[] = [];
  #giveUpSaving: () => void = () => {};

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#state = newState(options.deviceId);
    this.#time = new ServerTime(options.clock, 0);
  }

  get state(): AgentState {
    return this.#state;
  }

  get counters(): Readonly<Counters> {
    return this.#counters;
  }

  /** Loads the state of the last process and goes on from there. Rejects with Faults of store and platform. */
  async start(): Promise<void> {
    const { store, platform, clock } = this.#options;
    const loaded = await store.load();
    if (loaded.kind === 'state') this.#state = loaded.state;
    this.#time = new ServerTime(clock, this.#state.clockOffsetMs);
    this.#effects = new Effects(this.#options, this.#time, {
      fact: make => this.#enqueue(make),
      idle: () => this.#announceSettled(),
      emit: event => this.#emit(event),
      state: () => this.#state,
    });
    const installed = await platform.installed();
    const state = loaded.kind === 'state' ? (loaded.recovered ? 'recovered' : 'kept') : loaded.kind;
    this.#stopWatching = platform.watch(() => this.#enqueue(at => ({ type: 'conditions_changed', at })));
    this.#enqueue(at => ({ type: 'started', at, installed, state }));
  }

  /** Asks the controller now, or right after the attempt under way. */
  poll(): void {
    this.#enqueue(at => ({ type: 'asked', at, trigger: 'manual' }));
  }

  /** Takes a push message. Anything but a fresh, genuine nudge for this device is only counted. */
  receive(message: Readonly<Record<string, unknown>>): void {
    this.#enqueue(at => this.#judgeNudge(message, at));
  }

  #judgeNudge(message: Readonly<Record<string, unknown>>, at: Moment): Fact {
    const refuse = (code: NudgeRefusal): Fact => ({ type: 'nudge_refused', at, code });
    const { credentials, deviceId } = this.#options;
    const [newest, ...older] = credentials.nudgeKeys(at.atMs);
    if (newest === undefined) return refuse('no_key');
    const { seenNudges, nudgeFloorMs } = this.#state;
    const isKnown = (id: string) => seenNudges.some(n => n.requestId === id);
    const judged = (key: Uint8Array) => verifyNudge(key, deviceId, message, at.atMs, isKnown);
    const verdict = older.map(judged).find(v => v.ok) ?? judged(newest);
    if (!verdict.ok) return refuse(verdict.code);
    if (verdict.issuedAtMs + 1000 <= nudgeFloorMs) return refuse('before_recovery');
    const keptMs = NUDGE_REPLAY_WINDOW_MS + NUDGE_MAX_AHEAD_MS;
    if (seenNudges.filter(n => Math.abs(at.atMs - n.atMs) <= keptMs).length >= MAX_SEEN_NUDGES)
      return refuse('flood');
    return { type: 'nudged', at, requestId: verdict.requestId, buildId: verdict.buildId };
  }

  /** Resolves when the agent only waits: for a timer, a trigger, or the disk. */
  settled(): Promise<void> {
    return new Promise(resolve => {
      this.#settled.push(resolve);
      this.#announceSettled();
    });
  }

  /** Ends at once like a killed process; the next one goes on from the store. */
  kill(): void {
    this.#dead = true;
    this.#breakOff();
    this.#giveUpSaving();
    this.#announceSettled();
  }

  /** Resolves when an ended agent no longer touches files or network. */
  ended(): Promise<void> {
    return new Promise<void>(resolve => {
      this.#gone.push(resolve);
      this.#announceSettled();
    });
  }

  /**
   * Stops cleanly: starts nothing new, waits for a running install, and sends stored reports. Work that takes longer
   * than `limitMs` is left to the next process.
   */
  async stop(limitMs = STOP_LIMIT_MS): Promise<void> {
    this.#stopping = true;
    this.#breakOff();
    const cancel = this.#options.clock.timer(limitMs, () => this.kill());
    await this.ended();
    cancel();
    this.kill();
  }

  #breakOff(): void {
    this.#stopWatching();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#effects?.end();
  }

  #enqueue(make: Pending): void {
    if (this.#dead) return;
    this.#queue.push(make);
    if (!this.#draining) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    for (let make = this.#queue.shift(); make !== undefined && !this.#dead; make = this.#queue.shift()) {
      const { random } = this.#options;
      const at = { atMs: Math.round(this.#time.nowMs()), random: random(), uuid: uuidFrom(random) };
      const fact = make(at);
      // A stopping agent has aborted everything but the install it waits for, so other facts are dropped.
      if (this.#stopping && fact.type !== 'installed') continue;
      const { state, effects } = (this.#options.step ?? step)(this.#state, fact);
      if (state !== this.#state && !(await this.#save(state))) break;
      this.#state = state;
      for (const effect of effects) this.#perform(effect);
    }
    this.#draining = false;
    this.#announceSettled();
  }

  /** No effect runs before its state is on disk. A failing store is retried until it works or the agent ends. */
  async #save(state: AgentState): Promise<boolean> {
    while (!this.#dead) {
      try {
        await this.#options.store.save(state);
        return !this.#dead;
      } catch (error) {
        this.#emit({ type: 'ota.state.fail', code: faultCode(error) });
        this.#waitingForDisk = true;
        this.#announceSettled();
        await new Promise<void>(resolve => {
          this.#giveUpSaving = resolve;
          this.#setTimer('save', SAVE_RETRY_MS, () => {
            this.#waitingForDisk = false;
            resolve();
          });
        });
      }
    }
    return false;
  }

  #perform(effect: Effect): void {
    if (effect.type === 'emit') this.#emit(effect.event);
    else if (this.#stopping) return;
    else if (effect.type === 'timer') this.#arm(effect);
    else this.#effects?.perform(effect);
  }

  #arm({ name, inMs, epoch }: Extract<Effect, { type: 'timer' }>): void {
    this.#setTimer(name, inMs, () =>
      this.#enqueue(at => {
        if (name === 'poll') return { type: 'asked', at, trigger: 'poll' };
        if (name === 'renewal') return { type: 'renewal_due', at };
        return name === 'report' ? { type: 'report_due', at } : { type: 'retry_due', at, epoch };
      }),
    );
  }

  #setTimer(name: string, inMs: number, fire: () => void): void {
    this.#timers.get(name)?.();
    const cancel = this.#options.clock.timer(inMs, () => {
      this.#timers.delete(name);
      fire();
    });
    this.#timers.set(name, cancel);
  }

  #emit(event: AgentEvent): void {
    this.#counters[event.type] = (this.#counters[event.type] ?? 0) + 1;
    this.#options.observe(event, this.#logTime.stamp(this.#time.nowMs()));
  }

  #announceSettled(): void {
    const performing = (this.#effects?.running ?? 0) > 0;
    if ((this.#dead || this.#stopping) && !this.#draining && !performing)
      for (const resolve of this.#gone.splice(0)) resolve();
    const judging = !this.#waitingForDisk && (this.#draining || this.#queue.length > 0);
    if (!this.#dead && (judging || performing)) return;
    for (const resolve of this.#settled.splice(0)) resolve();
  }
}
