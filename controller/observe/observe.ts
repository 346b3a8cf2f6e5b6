/**
 * Turns each event into a log line and a metric; nothing else logs or counts (SPEC §10). Every event has a rule, else
 * the code does not compile. Lines are JSON; `device_id` goes to logs, never to a label.
 */
import { type DestinationStream, type Logger, pino } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Event, Observe } from '../domain/event.ts';
import { type CheckEvent, makeCheckLine, makeLineTime } from './check-line.ts';
import { makeGauges, type Readings } from './gauges.ts';
import { beginAtZero, meters } from './meters.ts';
import { type LogOutput, standardOutput } from './output.ts';
import type { Pretty } from './pretty.ts';
import { type Level, rules } from './rules.ts';

export interface Observer {
  readonly observe: Observe;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Sets where the gauges read their values, once the parts exist. */
  attach(readings: Readings): void;
  metrics(): Promise<{ contentType: string; body: string }>;
  /** Flushes the buffer; gives up after two seconds. */
  flush(): Promise<void>;
}

interface ObserverOptions {
  readonly level: string;
  /** Where log lines go. Default: standard output, buffered; tests pass their own. */
  readonly destination?: DestinationStream;
  /** Rewrites each line before it is written. */
  readonly pretty?: Pretty | undefined;
  /** The clock of the timestamps. Default: the real one. */
  readonly wallMs?: () => number;
}

/** The limit of the last flush: a stuck reader must not delay the end of the process. */
const FLUSH_LIMIT_MS = 2_000;

/** Gauges that prom-client names like counters; their series without the suffix hold the same values. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

const snake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
const KEYS = new Map<string, string>();

/** The event's fields in wire spelling. There are few names, so each is converted once. */
function fields(event: Event): Record<string, unknown> {
  const out: Record<string, unknown> = { event: event.type };
  for (const [key, value] of Object.entries(event)) {
    if (key === 'type' || value === undefined) continue;
    let name = KEYS.get(key);
    if (name === undefined) {
      name = snake(key);
      KEYS.set(key, name);
    }
    // Durations are rounded to a tenth of a millisecond; more digits are noise.
    out[name] = key === 'ms' && typeof value === 'number' ? Math.round(value * 10) / 10 : value;
  }
  return out;
}

const isCheck = (event: Event): event is CheckEvent =>
  event.type === 'ota.manifest.304' || event.type === 'ota.manifest.200';

export function makeObserver(options: ObserverOptions): Observer {
  const { destination } = options;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const m = meters(registry);
  beginAtZero(m);
  const readGauges = makeGauges(registry);
  const plain: LogOutput =
    destination === undefined
      ? standardOutput(lines => m.logDropped.inc(lines))
      : { write: line => destination.write(line), flush: async () => undefined };
  const { pretty } = options;
  const output: LogOutput =
    pretty === undefined ? plain : { ...plain, write: line => plain.write(pretty(line)) };
  const lineTime = makeLineTime(options.wallMs ?? Date.now);
  const checkLine = makeCheckLine(lineTime);
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: lineTime,
      formatters: { level: label => ({ level: label }) },
    },
    output,
  );
  const table = rules(m);
  let readings: Readings | undefined;
  return {
    logger,
    registry,
    observe: event => {
      // One lookup by tag; the table pairs each tag with its own event, which the index type cannot express.
      const rule = table[event.type] as { level: Level; count?: (event: Event) => void };
      rule.count?.(event);
      if (!logger.isLevelEnabled(rule.level)) return;
      if (isCheck(event)) output.write(checkLine(rule.level, event));
      else logger[rule.level](fields(event));
    },
    attach: given => {
      readings = given;
    },
    metrics: async () => {
      await readGauges(readings);
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
    flush: () => output.flush(FLUSH_LIMIT_MS),
  };
}
