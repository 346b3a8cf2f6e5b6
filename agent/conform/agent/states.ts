/** Runs the state table against an agent: reaches a state, triggers an event, and compares the requests that follow. */
import { hash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { must } from '../finding.ts';
import type { Bench } from './bench.ts';
import type { AgentCheck } from './check.ts';
import { manifestOf, type Seen } from './scripted-controller.ts';
import { type Follows, type Happening, STATE_ROWS, type StateRow } from './state-rows.ts';

interface Held {
  readonly seen: Seen;
  readonly response: ServerResponse;
}

const askOf = ({ path }: Seen): Follows['ask'] | undefined =>
  path === '/v1/agent/update'
    ? 'check'
    : path.endsWith('/apk')
      ? 'download'
      : path === '/v1/action-result'
        ? 'report'
        : undefined;

class Stage {
  readonly #bench: Bench;
  readonly #row: StateRow;
  /** The last unanswered request of each kind. */
  readonly #held = new Map<Follows['ask'], Held>();
  #name: string | undefined;

  constructor(bench: Bench, row: StateRow) {
    this.#bench = bench;
    this.#row = row;
  }

  /** Answers correctly until the state is reached, and leaves the request that it waits for unanswered. */
  async reach(): Promise<void> {
    const { server } = this.#bench;
    const { state, nudged } = this.#row;
    server.offer = state === 'idle' || state === 'checking' ? undefined : this.#bench.build(42);
    server.onCheck = (seen, response) => {
      const confirms = server.downloads().length > 0;
      const holds =
        state === 'checking'
          ? nudged !== true || seen !== server.checks()[0]
          : confirms && state === 'confirming';
      return holds ? this.#hold('check', seen, response) : 'default';
    };
    server.onApk = (seen, response) =>
      state === 'downloading' ? this.#hold('download', seen, response) : 'default';
    server.onReport = (seen, response) =>
      state === 'reporting' && !seen.body.includes('"deferred"')
        ? this.#hold('report', seen, response)
        : 'default';
    await this.#bench.start(state === 'deferred' ? { conditions: { battery_percent: 5 } } : {});
    await this.#bench.until('a check', () => server.checks().length > 0);
    if (nudged === true) {
      await this.#bench.quiet();
      this.#bench.tell({ nudge: this.#bench.nudge() });
    }
    if (state === 'deferred')
      await this.#bench.until('a report of deferred/battery', () => server.reports().length > 0);
    else if (state !== 'idle') await this.#bench.until(`the state ${state}`, () => this.#held.size > 0);
    await this.#bench.quiet();
    const last = [...server.checks()].at(-1);
    this.#name = String(last?.headers['ota-request-id']);
  }

  #hold(ask: Follows['ask'], seen: Seen, response: ServerResponse): undefined {
    this.#held.set(ask, { seen, response });
    return undefined;
  }

  /** From here on only reports are answered automatically. */
  async play(): Promise<void> {
    const { server } = this.#bench;
    const before = server.seen.length;
    server.onCheck = (seen, response) => this.#hold('check', seen, response);
    server.onApk = (seen, response) => this.#hold('download', seen, response);
    server.onReport = undefined;
    for (const happening of this.#row.happens) {
      await this.#let(happening);
      await this.#bench.quiet();
    }
    // A process takes longer to start than the silence period.
    const enough = before + this.#row.follows.length;
    await this.#bench.patience(() => server.seen.length >= enough);
    await this.#bench.quiet();
    this.#compare(server.seen.slice(before));
  }

  async #let(happening: Happening): Promise<void> {
    const bench = this.#bench;
    if ('command' in happening)
      bench.tell(happening.command === 'poll' ? { poll: true } : { nudge: bench.nudge() });
    else if ('conditions' in happening) bench.tell({ conditions: happening.conditions });
    else if ('fail_install' in happening) bench.tell({ fail_install: happening.fail_install });
    else if ('kill' in happening) await bench.restart(true);
    else this.#answer(happening);
  }

  #answer(happening: Extract<Happening, { answer: string }>): void {
    const ask =
      this.#row.state === 'downloading' ? 'download' : this.#row.state === 'reporting' ? 'report' : 'check';
    const held = this.#held.get(ask);
    must(held !== undefined, `no open request for this answer: ${JSON.stringify(happening)}`);
    this.#held.delete(ask);
    const { response } = held;
    const { server, kit } = this.#bench;
    switch (happening.answer) {
      case 'cut':
        response.destroy();
        return;
      case 'status': {
        const after = happening.retry_after_s;
        response
          .writeHead(happening.status, after === undefined ? {} : { 'retry-after': String(after) })
          .end(happening.status === 200 ? '{}' : undefined);
        return;
      }
      case 'hold':
        response.writeHead(204, { etag: '"none"', 'ota-decision': happening.reason }).end();
        return;
      case 'offer': {
        const manifest = {
          ...manifestOf(this.#bench.build(happening.build ?? 42), server.url),
          ...happening.manifest,
        };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(manifest));
        return;
      }
      case 'apk': {
        const { bytes } = happening;
        response.writeHead(200, { 'content-length': kit.v42.length, etag: `"${hash('sha256', kit.v42)}"` });
        if (bytes === undefined) response.end(kit.v42);
        else response.write(kit.v42.subarray(0, bytes), () => setTimeout(() => response.destroy(), 50));
      }
    }
  }

  #compare(seen: readonly Seen[]): void {
    const words = (list: readonly string[]) => (list.length === 0 ? 'nothing' : [...list].sort().join(', '));
    const got = seen.filter(s => askOf(s) !== undefined);
    const said = got.map(s => this.#wordOf(s));
    const expected = this.#row.follows.map(wordOf);
    must(
      words(said) === words(expected),
      `these requests followed: ${words(said)}; expected: ${words(expected)}`,
    );
    for (const follows of this.#row.follows) this.#compareDetails(follows, got);
  }

  #wordOf(seen: Seen): string {
    const ask = askOf(seen);
    if (ask !== 'report') return String(ask);
    const { outcome, reason } = JSON.parse(seen.body) as { outcome?: string; reason?: string };
    return `${outcome}/${reason}`;
  }

  #compareDetails(follows: Follows, got: readonly Seen[]): void {
    if (follows.ask === 'download' && follows.from !== undefined) {
      const range = got.find(s => askOf(s) === 'download')?.headers.range;
      must(range === `bytes=${follows.from}-`, `the download’s Range was ${range}`);
    }
    if (follows.ask !== 'check') return;
    const checks = got.filter(s => askOf(s) === 'check');
    const names = checks.map(s => s.headers['ota-request-id']);
    if (follows.named === 'same')
      must(names.includes(this.#name), `the check was named ${names.join()}, not ${this.#name}`);
    if (follows.named === 'new')
      must(!names.every(name => name === this.#name), 'the check took the old name again');
    if (follows.hold === true)
      must(checks[0]?.headers['if-none-match'] === '"none"', 'the check did not name the hold');
  }
}

const wordOf = (follows: Follows): string =>
  follows.ask === 'report' ? `${follows.outcome}/${follows.reason}` : follows.ask;

const clauseOf = ({ state, happens, follows, nudged }: StateRow): string =>
  `${state}${nudged === true ? ', by a nudge' : ''}: after ${happens.map(h => JSON.stringify(h)).join(', ')} ` +
  `${follows.length === 0 ? 'nothing' : follows.map(wordOf).join(', ')} follows`;

export const STATES: readonly AgentCheck[] = STATE_ROWS.map(row => ({
  name: `state_${row.name}`,
  clause: clauseOf(row),
  catches: `differs_${row.name}`,
  run: async bench => {
    const stage = new Stage(bench, row);
    await stage.reach();
    await stage.play();
  },
}));
