/**
 * The runner: takes facts one at a time, lets `step` judge them, makes the new state durable and only then performs
 * the effects (SPEC §9). All of the agent's I/O goes through its ports.
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

/** Nudges remembered at most; more valid ones within the replay window are refused rather than forgotten. */
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

  /** Loads what the last process knew and goes on from there. Faults of store and platform reject. */
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

  /** Takes a push message; what is not a fresh, genuine nudge for this device does nothing but count. */
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

  /** Resolves when nothing is under way but waiting: for a timer, a trigger, or the disk. */
  settled(): Promise<void> {
    return new Promise(resolve => {
      this.#settled.push(resolve);
      this.#announceSettled();
    });
  }

  /** Ends without finishing anything, as a killed process does; the store says where to go on. */
  kill(): void {
    this.#dead = true;
    this.#breakOff();
    this.#giveUpSaving();
    this.#announceSettled();
  }

  /** Resolves when nothing of an agent that was ended touches files or network any more. */
  ended(): Promise<void> {
    return new Promise<void>(resolve => {
      this.#gone.push(resolve);
      this.#announceSettled();
    });
  }

  /**
   * Ends in order: begins nothing new, waits for an install under way, and tells what is written down. What takes
   * longer than `limitMs` is left to the next process.
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
      // A stopping agent broke off everything else itself; it takes only the install that it waited for.
      if (this.#stopping && fact.type !== 'installed') continue;
      const { state, effects } = (this.#options.step ?? step)(this.#state, fact);
      if (state !== this.#state && !(await this.#save(state))) break;
      this.#state = state;
      for (const effect of effects) this.#perform(effect);
    }
    this.#draining = false;
    this.#announceSettled();
  }

  /** No effect without its state on disk: a store that fails is tried again until it works or the agent ends. */
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
