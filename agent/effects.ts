/** Performs the effects that `step` requests, through ports and network, and returns facts. */
import { hash } from 'node:crypto';
import { faultCode } from '../controller/domain/fault.ts';
import type { ServerTime } from './clock.ts';
import type { Effect } from './effect.ts';
import type { AgentEvent } from './event.ts';
import type { DownloadResult, Fact, Moment } from './fact.ts';
import { type Connection, check, putPushToken, report } from './http/client.ts';
import { download } from './http/download.ts';
import { askForToken } from './http/renewal.ts';
import type { AgentOptions } from './options.ts';
import type { Installed } from './readings.ts';
import type { AgentState, Attempt } from './state.ts';
import { verifyDownload } from './verify.ts';

/** The runner's interface for its effects. */
interface Runner {
  fact(make: (at: Moment) => Fact): void;
  /** An effect has ended. */
  idle(): void;
  emit(event: AgentEvent): void;
  state(): AgentState;
}

type Work = Exclude<Effect, { type: 'emit' | 'timer' }>;

/** Extra free space for the package manager's copy of the APK and for the system. */
const RESERVE_BYTES = 16 * 1024 * 1024;
/** Smaller clock changes come from rounding to seconds. */
const CLOCK_STEP_MS = 2_000;
const USER_AGENT = 'nexmdm-ota-agent/1';

export class Effects {
  readonly #options: AgentOptions;
  readonly #time: ServerTime;
  readonly #runner: Runner;
  readonly #connection: Connection;
  #running = 0;
  #abort = new AbortController();
  readonly #end = new AbortController();
  #disk: Promise<void> = Promise.resolve();
  #registering = false;

  constructor(options: AgentOptions, time: ServerTime, runner: Runner) {
    this.#options = options;
    this.#time = time;
    this.#runner = runner;
    this.#connection = {
      controller: options.controller,
      credentials: options.credentials,
      dispatcher: options.dispatcher,
      time,
      userAgent: USER_AGENT,
      headersTimeoutMs: options.headersTimeoutMs ?? 30_000,
      stallTimeoutMs: options.stallTimeoutMs ?? 30_000,
    };
  }

  get running(): number {
    return this.#running;
  }

  abort(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
  }

  /** Aborts everything that can be aborted, reports too. */
  end(): void {
    this.#abort.abort();
    this.#end.abort();
  }

  perform(effect: Work): void {
    if (effect.type === 'abort') {
      this.abort();
      return;
    }
    this.#running += 1;
    void this.#run(effect).finally(() => {
      this.#running -= 1;
      this.#runner.idle();
    });
  }

  async #run(effect: Work): Promise<void> {
    try {
      await this.#work(effect);
    } catch (error) {
      const code = faultCode(error);
      const message = error instanceof Error ? error.message.slice(0, 200) : 'unknown';
      if ('epoch' in effect)
        this.#runner.fact(at => ({ type: 'broke', at, epoch: effect.epoch, code, message }));
      else this.#runner.emit({ type: 'ota.internal', code, message });
    }
  }

  #work(effect: Work): Promise<void> {
    switch (effect.type) {
      case 'check':
        return this.#check(effect);
      case 'observe':
        return this.#observe();
      case 'download':
        return this.#download(effect);
      case 'verify':
        return this.#verify(effect);
      case 'install':
        return this.#install(effect);
      case 'report':
        return this.#report(effect);
      case 'renew':
        return this.#renew();
      case 'discard':
        this.#disk = this.#disk.then(() => this.#options.files.discard(effect.keep));
        return this.#disk;
      case 'abort':
        return Promise.resolve();
    }
  }

  /** The installed package, with the build id if this agent installed it. */
  async #installed(): Promise<Installed> {
    const installed = await this.#options.platform.installed();
    const known = this.#runner.state().installed;
    const buildId =
      installed.buildId ?? (known?.versionCode === installed.versionCode ? known.buildId : undefined);
    return { ...installed, buildId };
  }

  async #check({ epoch, ask, etag }: Extract<Effect, { type: 'check' }>): Promise<void> {
    const installed = await this.#installed();
    const usable = etag !== undefined && etag.versionCode === installed.versionCode ? etag.value : undefined;
    const { signal } = this.#abort;
    const { answer, renewToken } = await check(this.#connection, ask, installed, usable, signal);
    const conditions = answer.kind === 'offer' ? await this.#options.platform.conditions() : undefined;
    this.#correctClock();
    this.#runner.fact(at => ({ type: 'checked', at, epoch, answer, conditions, installed, renewToken }));
    if (answer.kind !== 'failed') this.#registerPush();
  }

  #correctClock(): void {
    const clockOffsetMs = Math.round(this.#time.offsetMs);
    if (Math.abs(clockOffsetMs - this.#runner.state().clockOffsetMs) < CLOCK_STEP_MS) return;
    this.#runner.fact(at => ({ type: 'corrected', at, clockOffsetMs }));
  }

  async #observe(): Promise<void> {
    const conditions = await this.#options.platform.conditions();
    const installed = await this.#installed();
    this.#runner.fact(at => ({ type: 'observed', at, conditions, installed }));
  }

  async #download({ epoch, attempt }: Extract<Effect, { type: 'download' }>): Promise<void> {
    // Read before any await: an abort of this download may arrive while the disk is still busy.
    const { signal } = this.#abort;
    await this.#disk;
    const result = await this.#fetch(attempt, signal);
    this.#runner.fact(at => ({ type: 'downloaded', at, epoch, result }));
  }

  async #fetch(attempt: Attempt, signal: AbortSignal): Promise<DownloadResult> {
    const { offer, requestId } = attempt;
    const { buildId } = offer;
    const { files, clock } = this.#options;
    await files.discard(offer.sha256);
    const file = files.of(offer.sha256);
    const missing = offer.sizeBytes - Math.min(offer.sizeBytes, await file.size());
    const free = await files.freeBytes();
    if (free !== undefined && free < missing + offer.sizeBytes + RESERVE_BYTES)
      return {
        kind: 'refused',
        reason: 'storage',
        detail: `${free} bytes free, ${missing + offer.sizeBytes + RESERVE_BYTES} needed`,
      };
    return download(this.#connection, offer, file, {
      requestId,
      signal,
      monotonicMs: () => clock.monotonicMs(),
      onStart: fromByte => this.#runner.emit({ type: 'ota.download.start', requestId, buildId, fromByte }),
    });
  }

  async #verify({ epoch, attempt }: Extract<Effect, { type: 'verify' }>): Promise<void> {
    const { files, clock, verdicts, platform } = this.#options;
    const installed = await platform.installed();
    const reader = await files.of(attempt.offer.sha256).open();
    try {
      const result = await verifyDownload(
        reader,
        attempt.offer,
        installed,
        () => clock.monotonicMs(),
        verdicts,
      );
      this.#runner.fact(at => ({ type: 'verified', at, epoch, result }));
    } finally {
      await reader.close();
    }
  }

  async #install({ epoch, attempt }: Extract<Effect, { type: 'install' }>): Promise<void> {
    const { files, clock, platform } = this.#options;
    const startedMs = clock.monotonicMs();
    const result = await platform.install(files.of(attempt.offer.sha256), {
      downgrade: attempt.offer.forceDowngrade,
    });
    const installed = await platform.installed();
    const ms = Math.max(1, clock.monotonicMs() - startedMs);
    this.#runner.fact(at => ({ type: 'installed', at, epoch, result, installed, ms }));
  }

  async #report({ report: entry }: Extract<Effect, { type: 'report' }>): Promise<void> {
    const result = await report(this.#connection, entry, this.#end.signal);
    this.#runner.fact(at => ({
      type: 'reported',
      at,
      requestId: entry.requestId,
      outcome: entry.outcome,
      result,
    }));
  }

  /** Requests use the new token once it is on disk. */
  async #renew(): Promise<void> {
    const fresh = await askForToken(this.#connection, this.#end.signal);
    if (!fresh.ok) {
      this.#runner.fact(at => ({ type: 'renewed', at, result: { kind: 'failed', code: fresh.code } }));
      return;
    }
    try {
      await this.#options.credentials.renew(fresh.token, fresh.nudgeKey, this.#time.nowMs());
      this.#runner.fact(at => ({ type: 'renewed', at, result: { kind: 'kept' } }));
    } catch (error) {
      const code = faultCode(error);
      this.#runner.fact(at => ({ type: 'renewed', at, result: { kind: 'failed', code } }));
    }
  }

  /** Registers each push token once. After a failure it tries again at the next check. */
  #registerPush(): void {
    const { pushToken } = this.#options;
    if (pushToken === undefined || this.#registering) return;
    const sha256 = hash('sha256', pushToken);
    if (this.#runner.state().pushTokenSha256 === sha256) return;
    this.#registering = true;
    this.#running += 1;
    void putPushToken(this.#connection, pushToken, this.#end.signal).then(({ ok, code }) => {
      this.#registering = false;
      this.#running -= 1;
      if (ok) this.#runner.fact(at => ({ type: 'push_registered', at, sha256 }));
      else this.#runner.emit({ type: 'ota.push.fail', code });
      this.#runner.idle();
    });
  }
}
