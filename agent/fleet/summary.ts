/** Summary of a fleet: exact sums over its devices' events. */
import type { AgentEvent, AgentEventType } from '../event.ts';

export interface FleetSummary {
  readonly devices: number;
  /** Devices by the version code they run. */
  readonly running: Readonly<Record<string, number>>;
  /** Devices by the phase their agent is in. */
  readonly phases: Readonly<Record<string, number>>;
  /** Every event type that occurred. */
  readonly events: Readonly<Partial<Record<AgentEventType, number>>>;
  readonly checks: number;
  /** Checks without a usable answer, by the code of the controller or the network. */
  readonly failedChecks: Readonly<Record<string, number>>;
  readonly offers: number;
  readonly holds: Readonly<Record<string, number>>;
  readonly downloads: number;
  readonly downloadedBytes: number;
  readonly installs: number;
  readonly installCalls: number;
  /** Finished attempts as `outcome/reason`. */
  readonly results: Readonly<Record<string, number>>;
  readonly reportsAccepted: number;
}

const add = (counts: Record<string, number>, key: string, by = 1): void => {
  counts[key] = (counts[key] ?? 0) + by;
};

/** Adds up events as they come. */
export class Tally {
  readonly #events: Record<string, number> = {};
  readonly #failedChecks: Record<string, number> = {};
  readonly #holds: Record<string, number> = {};
  readonly #results: Record<string, number> = {};
  #bytes = 0;
  #accepted = 0;

  take(event: AgentEvent): void {
    add(this.#events, event.type);
    if (event.type === 'ota.check.fail') add(this.#failedChecks, event.code);
    if (event.type === 'ota.hold') add(this.#holds, event.reason);
    if (event.type === 'ota.attempt.end') add(this.#results, `${event.outcome}/${event.reason}`);
    if (event.type === 'ota.download.ok') this.#bytes += event.bytes;
    if (event.type === 'ota.report' && event.result === 'accepted') this.#accepted += 1;
  }

  summary(members: Iterable<{ versionCode: number; phase: string; installCalls: number }>): FleetSummary {
    const running: Record<string, number> = {};
    const phases: Record<string, number> = {};
    let devices = 0;
    let installCalls = 0;
    for (const member of members) {
      devices += 1;
      installCalls += member.installCalls;
      add(running, String(member.versionCode));
      add(phases, member.phase);
    }
    const of = (type: AgentEventType) => this.#events[type] ?? 0;
    return {
      devices,
      running,
      phases,
      events: { ...this.#events },
      checks: of('ota.check'),
      failedChecks: { ...this.#failedChecks },
      offers: of('ota.eligible'),
      holds: { ...this.#holds },
      downloads: of('ota.download.start'),
      downloadedBytes: this.#bytes,
      installs: of('ota.install.ok'),
      installCalls,
      results: { ...this.#results },
      reportsAccepted: this.#accepted,
    };
  }
}
