/** Agent events as JSON lines, and the commands it takes on standard input as JSON lines. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { AgentEvent } from '../event.ts';
import type { Conditions } from '../readings.ts';

const snake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);

/** One line: `{"at": …, "event": "ota.check", "device_id": …, …}`, keys in snake case. */
export function eventLine(deviceId: string, event: AgentEvent, atMs: number): string {
  const { type, ...rest } = event;
  const fields = Object.fromEntries(Object.entries(rest).map(([name, value]) => [snake(name), value]));
  return JSON.stringify({ at: new Date(atMs).toISOString(), event: type, device_id: deviceId, ...fields });
}

/** Commands to a running agent. */
export type AgentCommand =
  | { readonly kind: 'poll' }
  | {
      readonly kind: 'nudge';
      readonly deviceId: string | undefined;
      readonly message: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: 'conditions';
      readonly deviceId: string | undefined;
      readonly conditions: Partial<Conditions>;
    }
  | { readonly kind: 'fail_install'; readonly code: string }
  | { readonly kind: 'stop' };

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const CONDITIONS: Readonly<Record<string, keyof Conditions>> = {
  unmetered_wifi: 'unmeteredWifi',
  battery_percent: 'batteryPercent',
  charging: 'charging',
  in_call: 'inCall',
};

/** A condition of `null` means that it cannot be read. Undefined: not a command. */
export function parseCommand(line: string): AgentCommand | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const deviceId = typeof value.device_id === 'string' ? value.device_id : undefined;
  if (value.poll === true) return { kind: 'poll' };
  if (value.stop === true) return { kind: 'stop' };
  if (isObject(value.nudge)) return { kind: 'nudge', deviceId, message: value.nudge };
  if (typeof value.fail_install === 'string') return { kind: 'fail_install', code: value.fail_install };
  if (isObject(value.conditions)) return conditionsOf(value.conditions, deviceId);
  return undefined;
}

function conditionsOf(
  given: Readonly<Record<string, unknown>>,
  deviceId: string | undefined,
): AgentCommand | undefined {
  const conditions: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const key = CONDITIONS[name];
    const fits = value === null || typeof value === (key === 'batteryPercent' ? 'number' : 'boolean');
    if (key === undefined || !fits) return undefined;
    conditions[key] = value ?? undefined;
  }
  return { kind: 'conditions', deviceId, conditions: conditions as Partial<Conditions> };
}

/** Calls back for each command and reports any other line by its number. Ends with the stream. */
export function readCommands(
  stdin: Readable,
  take: (command: AgentCommand) => void,
  complain: (text: string) => void,
): () => void {
  const lines = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  lines.on('line', line => {
    number += 1;
    if (line.trim() === '') return;
    const command = line.length > 16_384 ? undefined : parseCommand(line);
    if (command === undefined)
      complain(`standard input, line ${number}: not a command (see "ota-agent run --help")\n`);
    else take(command);
  });
  return () => {
    lines.close();
    stdin.pause();
  };
}
