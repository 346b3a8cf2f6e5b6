/**
 * A second, straightforward agent, written against the protocol document alone: it shows that the checks fit more than
 * our own agent, and, broken in one way at a time, that each breakage is caught by the check named for it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type Dispatcher, Agent as HttpAgent, request } from 'undici';
import type { AgentSetup, AgentUnderTest, RunningAgent } from '../../../agent/conform/agent/under-test.ts';
import { type Offer, parseOffer } from '../../../agent/offer.ts';
import { bufferReader, signerForSdk, verifyApk } from '../../../controller/apk/index.ts';
import { bucketOf } from '../../../controller/domain/cohort.ts';
import { verifyNudge } from '../../../controller/domain/nudge/message.ts';

export const FLAWS = {
  sleeps_at_start: 'polls_at_start',
  hides_its_sdk: 'names_version_and_sdk',
  reports_without_token: 'authenticates_every_request',
  puts_token_in_url: 'keeps_token_out_of_urls',
  renames_each_request: 'correlates_by_request_id',
  forgets_the_etag: 'names_the_hold_it_has',
  downloads_what_it_runs: 'skips_the_running_version',
  trusts_the_cohort: 'recomputes_its_own_bucket',
  reports_without_a_reason: 'installs_what_is_offered',
  ignores_wifi: 'waits_for_wifi',
  ignores_battery: 'waits_for_battery',
  ignores_charging: 'counts_charging_as_power',
  ignores_calls_that_go_on: 'waits_for_the_end_of_a_call',
  takes_unknown_for_good: 'waits_when_conditions_are_unknown',
  always_wants_wifi: 'needs_no_wifi_unless_asked',
  knows_no_deadline: 'stops_waiting_for_wifi_at_the_deadline',
  lets_deadlines_override_calls: 'never_overrides_a_call',
  looks_only_once: 'rereads_conditions_before_the_install',
  skips_sha256: 'refuses_a_wrong_sha256',
  skips_the_signature: 'refuses_a_broken_signature',
  skips_the_announced_signer: 'refuses_another_signer_than_announced',
  skips_the_installed_signer: 'refuses_another_signer_than_installed',
  skips_the_package: 'refuses_another_package',
  skips_the_version: 'refuses_another_version_than_announced',
  guesses_missing_fields: 'refuses_an_incomplete_manifest',
  takes_unknown_fields: 'refuses_an_unknown_field',
  goes_to_any_host: 'refuses_a_url_elsewhere',
  follows_any_redirect: 'refuses_a_redirect_elsewhere',
  follows_for_ever: 'ends_a_redirect_loop',
  takes_its_token_to_the_store: 'goes_to_the_store_with_its_range_alone',
  gives_up_at_the_store: 'asks_the_controller_again_after_a_403',
  goes_back_unasked: 'refuses_an_unforced_downgrade',
  never_goes_back: 'follows_a_forced_downgrade',
  starts_downloads_over: 'resumes_a_cut_download',
  takes_any_length: 'stops_an_oversized_download',
  does_not_wait_when_busy: 'waits_while_the_server_is_busy',
  fails_when_gone: 'lets_go_of_a_build_that_is_gone',
  installs_without_asking: 'confirms_before_the_install',
  never_tires: 'pauses_after_repeated_failure',
  knows_one_reason: 'reports_why_android_refused',
  deaf_to_nudges: 'follows_a_nudge',
  skips_the_hmac: 'refuses_a_forged_nudge',
  takes_anyones_nudge: 'refuses_a_nudge_for_another_device',
  takes_stale_nudges: 'refuses_a_stale_nudge',
  takes_early_nudges: 'refuses_a_nudge_from_the_future',
  follows_replays: 'refuses_a_replayed_nudge',
  forgets_nudges_at_restart: 'remembers_nudges_over_a_restart',
  trusts_its_own_clock: 'judges_nudges_by_the_controllers_clock',
  forgets_its_replacement: 'reports_after_its_own_replacement',
  reports_once: 'repeats_a_result_until_it_is_taken',
  changes_its_story: 'survives_a_kill_while_reporting',
  names_attempts_itself: 'names_an_attempt_by_its_nudge',
  is_stuck_after_a_crash: 'survives_a_kill_while_checking',
  drops_what_it_has_at_start: 'survives_a_kill_while_downloading',
  loses_its_place: 'survives_a_kill_while_confirming',
} as const;
export type Flaw = keyof typeof FLAWS;

interface Report {
  request_id: string;
  build_id: string;
  outcome: string;
  reason: string;
  version_code: number;
}

/** What a device keeps when its agent's process ends. */
interface Memory {
  versionCode: number;
  signer: string;
  etag: string | undefined;
  seen: string[];
  attempt: { id: string; offer: Offer } | undefined;
  report: Report | undefined;
  told: boolean;
  asking: boolean;
  failures: Map<string, number>;
  parts: Map<string, Buffer>;
  offsetMs: number;
  firstSeenMs: number | undefined;
}

class Dead extends Error {}
const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));
type Failure = { fail: string } | { skip: string };

class NaiveAgent implements RunningAgent {
  readonly #setup: AgentSetup;
  readonly #memory: Memory;
  readonly #flaw: Flaw | undefined;
  readonly #http = new HttpAgent();
  readonly #abort = new AbortController();
  #conditions: AgentSetup['conditions'];
  readonly #stuck: boolean;
  readonly #seenBefore: ReadonlySet<string>;
  #alive = true;
  #ended = false;
  #work: Promise<void> = Promise.resolve();
  #installFailure: string | undefined;

  constructor(setup: AgentSetup, memory: Memory, flaw: Flaw | undefined) {
    this.#setup = setup;
    this.#memory = memory;
    this.#flaw = flaw;
    this.#conditions = setup.conditions;
    if (flaw === 'forgets_nudges_at_restart') memory.seen = [];
    if (flaw === 'forgets_its_replacement' && memory.attempt?.offer.versionCode === memory.versionCode)
      memory.attempt = undefined;
    if (flaw === 'drops_what_it_has_at_start') memory.parts.clear();
    this.#stuck =
      (flaw === 'is_stuck_after_a_crash' && memory.asking) ||
      (flaw === 'loses_its_place' &&
        memory.attempt !== undefined &&
        memory.parts.get(memory.attempt.offer.sha256)?.length === memory.attempt.offer.sizeBytes &&
        !memory.told);
    this.#seenBefore = new Set(memory.seen);
    if (flaw !== 'sleeps_at_start') this.#go(undefined);
  }

  get ended(): boolean {
    return this.#ended;
  }

  #has(flaw: Flaw): boolean {
    return this.#flaw === flaw;
  }

  async kill(): Promise<void> {
    this.#alive = false;
    this.#abort.abort();
    await this.#work;
    await this.#http.destroy();
  }

  tell(command: {
    poll?: boolean;
    nudge?: Record<string, unknown>;
    conditions?: object;
    fail_install?: string;
  }): void {
    if (command.poll === true) this.#go(undefined);
    if (command.conditions !== undefined) this.#conditions = { ...this.#conditions, ...command.conditions };
    if (command.fail_install !== undefined) this.#installFailure = command.fail_install;
    if (command.nudge !== undefined) this.#nudge(command.nudge);
  }

  #nudge(message: Record<string, unknown>): void {
    const now = this.#has('trusts_its_own_clock') ? Date.now() : Date.now() + this.#memory.offsetMs;
    const issued = Number(message.issued_at) * 1000;
    // A judge that looks away from one thing judges at a moment, or for a device, at which that thing is right.
    const at =
      (this.#has('takes_stale_nudges') && issued < now && issued > now - 3_600_000) ||
      (this.#has('takes_early_nudges') && issued > now)
        ? issued
        : now;
    const ids = this.#has('takes_anyones_nudge')
      ? [this.#setup.deviceId, 'conform-2']
      : [this.#setup.deviceId];
    const known = this.#has('follows_replays') ? [...this.#seenBefore] : this.#memory.seen;
    const seen = (id: string) => known.includes(id);
    const verdicts = ids.map(id => verifyNudge(this.#setup.nudgeKey, id, message, at, seen));
    const good =
      verdicts.some(v => v.ok) ||
      (this.#has('skips_the_hmac') &&
        verdicts.every(v => !v.ok && v.code === 'bad_hmac') &&
        this.#foreignKey(message));
    if (!good || this.#has('deaf_to_nudges')) return;
    this.#memory.seen.push(String(message.request_id));
    this.#go(String(message.request_id));
  }

  /** Only a forged signature of this very device: the flaw is not to look at the HMAC's key. */
  #foreignKey(message: Record<string, unknown>): boolean {
    return verifyNudge(
      Buffer.alloc(32, 1),
      this.#setup.deviceId,
      message,
      Date.now() + this.#memory.offsetMs,
      () => false,
    ).ok;
  }

  #go(requestId: string | undefined): void {
    this.#work = this.#work.then(async () => {
      try {
        await this.#cycle(requestId);
      } catch (error) {
        if (!(error instanceof Dead) && this.#alive) throw error;
      }
    });
  }

  async #send(
    url: URL,
    init: { method?: 'GET' | 'POST'; headers?: Record<string, string>; body?: string; bare?: boolean },
  ): Promise<Dispatcher.ResponseData> {
    for (;;) {
      if (!this.#alive) throw new Dead();
      try {
        const authorization = init.bare === true ? {} : { authorization: `Bearer ${this.#setup.token}` };
        const { method = 'GET', body = null } = init;
        const answer = await request(url, {
          method,
          body,
          headers: { ...authorization, ...init.headers },
          dispatcher: this.#http,
          signal: this.#abort.signal,
        });
        const date = Date.parse(String(answer.headers.date));
        if (!Number.isNaN(date))
          this.#memory.offsetMs = Math.abs(date - Date.now()) < 2000 ? 0 : date - Date.now();
        return answer;
      } catch (error) {
        if (!this.#alive) throw new Dead();
        if (!(error instanceof Error)) throw error;
        await pause(5);
      }
    }
  }

  async #cycle(requestId: string | undefined): Promise<void> {
    const memory = this.#memory;
    if (memory.report !== undefined) await this.#deliver(memory.report);
    if (
      memory.attempt !== undefined &&
      memory.attempt.offer.versionCode === memory.versionCode &&
      memory.told
    )
      return this.#finish(memory.attempt.id, memory.attempt.offer, 'ok', 'installed');
    if (this.#stuck) return;
    const id =
      memory.attempt?.id ?? (this.#has('names_attempts_itself') ? undefined : requestId) ?? randomUUID();
    memory.asking = memory.attempt === undefined;
    const answer = await this.#check(id);
    memory.asking = false;
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      if (answer.statusCode !== 204 && answer.statusCode !== 304) return;
      if (!this.#has('forgets_the_etag')) memory.etag = String(answer.headers.etag);
      if (memory.attempt !== undefined)
        return this.#finish(id, memory.attempt.offer, 'skipped', 'offer_gone');
      return;
    }
    const offer = await this.#read(await answer.body.text(), id);
    if (offer === undefined || !this.#wants(offer)) return;
    if ((memory.failures.get(offer.buildId) ?? 0) >= 3 && !this.#has('never_tires')) return;
    memory.attempt = { id, offer };
    memory.firstSeenMs ??= Date.now();
    const failure = await this.#update(id, offer);
    if (failure !== undefined)
      await ('fail' in failure
        ? this.#finish(id, offer, 'fail', failure.fail)
        : this.#finish(id, offer, 'skipped', failure.skip));
  }

  #check(id: string): Promise<Dispatcher.ResponseData> {
    const { url, sdk } = this.#setup;
    const target = new URL('/v1/agent/update', url);
    target.searchParams.set('version_code', String(this.#memory.versionCode));
    if (!this.#has('hides_its_sdk')) target.searchParams.set('sdk', String(sdk));
    const etag = this.#memory.etag === undefined ? {} : { 'if-none-match': this.#memory.etag };
    return this.#send(target, { headers: { 'ota-request-id': this.#named(id), ...etag } });
  }

  #named(id: string): string {
    return this.#has('renames_each_request') ? randomUUID() : id;
  }

  async #read(text: string, id: string): Promise<Offer | undefined> {
    const parsed = parseOffer(text);
    if (parsed.ok) return parsed.offer;
    const wire = JSON.parse(text) as Record<string, unknown>;
    const { delta_url: _, ...known } = wire;
    if (this.#has('takes_unknown_fields') && 'delta_url' in wire)
      return this.#read(JSON.stringify(known), id);
    if (this.#has('guesses_missing_fields') && !('delta_url' in wire))
      return this.#read(JSON.stringify({ min_battery_percent: 30, ...wire }), id);
    await this.#deliver({
      request_id: id,
      build_id: parsed.buildId ?? 'unknown',
      outcome: 'fail',
      reason: 'manifest_invalid',
      version_code: this.#memory.versionCode,
    });
    return undefined;
  }

  #wants(offer: Offer): boolean {
    const { versionCode } = this.#memory;
    if (offer.versionCode === versionCode) return this.#has('downloads_what_it_runs');
    if (offer.versionCode < versionCode) {
      if (this.#has('never_goes_back')) return false;
      if (!offer.forceDowngrade && !this.#has('goes_back_unasked')) return false;
    }
    return (
      this.#has('trusts_the_cohort') ||
      bucketOf(this.#setup.deviceId, offer.cohortSeed) < Math.round(offer.stagedRolloutPercent * 100)
    );
  }

  async #update(id: string, offer: Offer): Promise<Failure | undefined> {
    await this.#patience(offer);
    const bytes = await this.#download(id, offer);
    if (!Buffer.isBuffer(bytes)) return bytes;
    const wrong = await this.#verify(bytes, offer);
    if (wrong !== undefined) {
      this.#memory.parts.clear();
      return { fail: wrong };
    }
    if (!this.#has('installs_without_asking')) {
      const again = await this.#check(id);
      const still = again.statusCode === 200 && parseOffer(await again.body.text()).ok;
      if (!still && this.#memory.attempt !== undefined && again.statusCode !== 200)
        return { skip: 'offer_gone' };
    }
    if (!this.#has('looks_only_once')) await this.#patience(offer);
    return this.#install(id, offer, bytes);
  }

  async #install(id: string, offer: Offer, bytes: Buffer): Promise<Failure | undefined> {
    if (!this.#alive) throw new Dead();
    const memory = this.#memory;
    if (this.#installFailure !== undefined) {
      const reason = this.#has('knows_one_reason') ? 'install_failed' : 'storage';
      this.#installFailure = undefined;
      return { fail: reason };
    }
    const verdict = await verifyApk(bufferReader(bytes));
    memory.versionCode = verdict.ok ? verdict.facts.versionCode : offer.versionCode;
    memory.told = true;
    if (this.#setup.dieOnUpdate) {
      this.#alive = false;
      this.#ended = true;
      throw new Dead();
    }
    await this.#finish(id, offer, 'ok', 'installed');
    return undefined;
  }

  async #patience(offer: Offer): Promise<void> {
    for (;;) {
      if (!this.#alive) throw new Dead();
      const { unmetered_wifi, battery_percent, charging, in_call } = this.#conditions;
      const good = (value: boolean | null) =>
        value === true || (value === null && this.#has('takes_unknown_for_good'));
      const overdue =
        offer.mustInstall &&
        offer.deadlineMs !== undefined &&
        Date.now() - (this.#memory.firstSeenMs ?? 0) >= offer.deadlineMs;
      const late = overdue && !this.#has('knows_no_deadline');
      const wifi =
        (!offer.wifiOnly && !this.#has('always_wants_wifi')) ||
        late ||
        good(unmetered_wifi) ||
        this.#has('ignores_wifi');
      const power =
        (charging === true && !this.#has('ignores_charging')) ||
        (battery_percent ?? 0) >= offer.minBatteryPercent ||
        this.#has('ignores_battery');
      const call =
        in_call === false ||
        (in_call === null && this.#has('takes_unknown_for_good')) ||
        (overdue && this.#has('lets_deadlines_override_calls'));
      // The flaw: a call that went on when the agent started does not count.
      const old =
        this.#has('ignores_calls_that_go_on') &&
        this.#setup.conditions.in_call === true &&
        !offer.mustInstall;
      if (wifi && power && (call || old)) return;
      await pause(3);
    }
  }

  async #download(id: string, offer: Offer): Promise<Buffer | Failure> {
    const origin = new URL(this.#setup.url).origin;
    let url = new URL(offer.url);
    if (url.origin !== origin && !this.#has('goes_to_any_host')) return { fail: 'url_refused' };
    const { parts } = this.#memory;
    for (let hops = 0, tries = 0; ; ) {
      const have =
        this.#has('starts_downloads_over') && tries > 0
          ? Buffer.alloc(0)
          : (parts.get(offer.sha256) ?? Buffer.alloc(0));
      if (have.length === offer.sizeBytes) return have;
      const resume =
        have.length === 0 ? {} : { range: `bytes=${have.length}-`, 'if-range': `"${offer.sha256}"` };
      if (this.#has('puts_token_in_url')) url.searchParams.set('token', this.#setup.token);
      const asked = { 'ota-request-id': this.#named(id), 'ota-accept-redirect': '1', ...resume };
      let answer = await this.#send(url, { headers: asked });
      const stored = this.#storeOf(answer);
      if (stored !== undefined) {
        await answer.body.dump();
        const bare = !this.#has('takes_its_token_to_the_store');
        const range = have.length === 0 ? {} : { range: `bytes=${have.length}-` };
        answer = await this.#send(stored, { headers: bare ? range : asked, bare });
        if (answer.statusCode === 403 && !this.#has('gives_up_at_the_store')) {
          await answer.body.dump();
          continue;
        }
        if (answer.statusCode === 403) return { fail: 'download_failed' };
      }
      const { statusCode, headers, body } = answer;
      if (statusCode === 410)
        return this.#has('fails_when_gone') ? { fail: 'download_failed' } : { skip: 'offer_gone' };
      if (statusCode === 503) {
        await body.dump();
        await pause(
          this.#has('does_not_wait_when_busy')
            ? 1
            : (Number(headers['retry-after']) * 1000) / this.#setup.timeScale,
        );
      } else if (statusCode >= 300) {
        await body.dump();
        url = new URL(String(headers.location), url);
        hops += 1;
        if (url.origin !== origin && !this.#has('follows_any_redirect')) return { fail: 'url_refused' };
        if (hops > (this.#has('follows_for_ever') ? 200 : 5)) return { fail: 'url_refused' };
      } else {
        const bytes = await this.#take(body, statusCode === 206 ? have : Buffer.alloc(0), offer);
        if (bytes !== undefined) return bytes;
        tries += 1;
        await pause(2);
      }
    }
  }

  /** Another host, to which a download is redirected as the agent asked. */
  #storeOf({ statusCode, headers }: Dispatcher.ResponseData): URL | undefined {
    const url = new URL(String(headers.location ?? ''), this.#setup.url);
    return statusCode === 307 && url.origin !== new URL(this.#setup.url).origin ? url : undefined;
  }

  /** All the bytes; undefined when they broke off. */
  async #take(
    body: Dispatcher.ResponseData['body'],
    have: Buffer,
    offer: Offer,
  ): Promise<Buffer | Failure | undefined> {
    const chunks = [have];
    let length = have.length;
    const { parts } = this.#memory;
    try {
      for await (const chunk of body) {
        chunks.push(chunk as Buffer);
        length += (chunk as Buffer).length;
        if (length < 100_000) parts.set(offer.sha256, Buffer.concat(chunks));
        if (length > offer.sizeBytes && !this.#has('takes_any_length')) return { fail: 'size_mismatch' };
      }
    } catch (error) {
      if (!this.#alive) throw new Dead();
      if (!(error instanceof Error)) throw error;
      return undefined;
    }
    return length < offer.sizeBytes ? undefined : Buffer.concat(chunks);
  }

  async #verify(bytes: Buffer, offer: Offer): Promise<string | undefined> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== offer.sha256 && !this.#has('skips_sha256')) return 'sha256_mismatch';
    const verdict = await verifyApk(bufferReader(bytes), { sdk: this.#setup.sdk });
    if (!verdict.ok) return this.#has('skips_the_signature') ? undefined : 'signature_invalid';
    const { facts } = verdict;
    const signer = signerForSdk(facts, this.#setup.sdk)?.fingerprint;
    if (facts.package !== this.#setup.package && !this.#has('skips_the_package')) return 'package_mismatch';
    if (facts.versionCode !== offer.versionCode && !this.#has('skips_the_version')) return 'version_mismatch';
    if (signer !== offer.signerFingerprint && !this.#has('skips_the_announced_signer'))
      return 'signer_mismatch';
    if (signer !== this.#memory.signer && !this.#has('skips_the_installed_signer')) return 'signer_mismatch';
    return undefined;
  }

  async #finish(id: string, offer: Offer, outcome: string, reason: string): Promise<void> {
    const memory = this.#memory;
    memory.attempt = undefined;
    memory.told = false;
    if (outcome === 'fail') memory.failures.set(offer.buildId, (memory.failures.get(offer.buildId) ?? 0) + 1);
    const told = this.#has('reports_without_a_reason') && outcome === 'ok' ? 'already_installed' : reason;
    await this.#deliver({
      request_id: id,
      build_id: offer.buildId,
      outcome,
      reason: told,
      version_code: memory.versionCode,
    });
  }

  async #deliver(report: Report): Promise<void> {
    this.#memory.report = this.#has('changes_its_story') ? { ...report, reason: 'internal' } : report;
    for (;;) {
      const bare = this.#has('reports_without_token');
      const answer = await this.#send(new URL('/v1/action-result', this.#setup.url), {
        method: 'POST',
        body: JSON.stringify(report),
        bare,
        headers: { 'content-type': 'application/json' },
      });
      await answer.body.dump();
      if (answer.statusCode < 500 || this.#has('reports_once')) break;
      await pause(3);
    }
    this.#memory.report = undefined;
  }
}

/** In this process, over real HTTP: many can be checked in the time one process takes to start. */
export function naiveAgent(flaw?: Flaw): AgentUnderTest {
  return {
    quietMs: 80,
    limitMs: 3_000,
    timeScale: 2_000,
    device: async () => {
      let memory: Memory | undefined;
      return {
        start: async setup => {
          memory ??= {
            versionCode: setup.versionCode,
            signer: setup.signer,
            etag: undefined,
            seen: [],
            attempt: undefined,
            report: undefined,
            told: false,
            asking: false,
            failures: new Map(),
            parts: new Map(),
            offsetMs: 0,
            firstSeenMs: undefined,
          };
          return new NaiveAgent(setup, memory, flaw);
        },
        dispose: async () => {},
      };
    },
  };
}
