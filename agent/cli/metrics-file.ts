/**
 * An agent's counters as Prometheus text, for the textfile collector of node_exporter. The file is replaced by a rename,
 * so readers never see half of it.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { Fault } from '../../controller/domain/fault.ts';
import type { AgentEvent, Counters } from '../event.ts';

export class MetricsFile {
  readonly #file: string;
  readonly #deviceId: string;
  readonly #counters: Counters = {};
  #lastMs = 0;
  #due = false;

  /** Fault `file_not_written` names the file and the system's reason. */
  constructor(file: string, deviceId: string) {
    this.#file = file;
    this.#deviceId = deviceId;
    this.write();
  }

  take(event: AgentEvent, atMs: number): void {
    this.#counters[event.type] = (this.#counters[event.type] ?? 0) + 1;
    this.#lastMs = atMs;
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      if (this.#due) this.write();
    });
  }

  write(): void {
    this.#due = false;
    try {
      writeFileSync(`${this.#file}.new`, this.#text());
      renameSync(`${this.#file}.new`, this.#file);
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'not writable';
      throw new Fault('file_not_written', `cannot write the metrics file ${this.#file}: ${reason}`, {
        retry: 'never',
        cause: error,
      });
    }
  }

  #text(): string {
    const device = `device_id="${this.#deviceId}"`;
    const counters = Object.entries(this.#counters)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([event, count]) => `ota_agent_events_total{${device},event="${event}"} ${count}`);
    return [
      '# HELP ota_agent_events_total Events of the agent’s log since its process began.',
      '# TYPE ota_agent_events_total counter',
      ...counters,
      '# HELP ota_agent_last_event_timestamp_seconds When the last of them was logged.',
      '# TYPE ota_agent_last_event_timestamp_seconds gauge',
      `ota_agent_last_event_timestamp_seconds{${device}} ${(this.#lastMs / 1000).toFixed(3)}`,
      '',
    ].join('\n');
  }
}
