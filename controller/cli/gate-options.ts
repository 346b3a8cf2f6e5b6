/** The options that describe a ramp and its gate, for `ota ramp` and `ota promote --ramp`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { WireGate } from '../yaml/change/ramp.ts';
import { isLength, readSteps } from '../yaml/change/steps.ts';
import { countArgument, readWith, type When, whenArgument } from './arguments.ts';

export interface GateOptions {
  readonly gate?: boolean;
  readonly failMax?: number;
  readonly verifyMax?: number;
  readonly silenceMax?: number;
  readonly silenceAfter?: string;
  readonly minReports?: number;
  readonly maxWait?: string;
  readonly onNoData?: 'hold' | 'proceed';
  readonly onBreach?: 'halt' | 'rollback';
}

export interface RampOptions extends GateOptions {
  readonly start?: When | 'now';
}

export const addRampOptions = (command: Command): Command =>
  command
    .option('--start <when>', 'not before: a time with its offset, 4h, or now', startArgument)
    .option('--gate', 'open the next step only with evidence from devices (default limits)')
    .option('--no-gate', 'open the steps by time alone')
    .option('--fail-max <share>', 'gate: devices that may fail, like 2%', limitArgument)
    .option('--verify-max <n>', 'gate: devices whose download may not verify', countArgument(0, 1000))
    .option('--silence-max <share>', 'gate: devices that may go silent, like 2%', limitArgument)
    .option('--silence-after <duration>', 'gate: after how long a device is silent, like 18h', lengthArgument)
    .option('--min-reports <n>', 'gate: outcomes needed in each step', countArgument(1, 1_000_000))
    .option('--max-wait <duration>', 'gate: how long a step waits for evidence, like 48h', lengthArgument)
    .addOption(
      new Option('--on-no-data <what>', 'gate: what to do if there is still too little evidence').choices([
        'hold',
        'proceed',
      ]),
    )
    .addOption(
      new Option('--on-breach <what>', 'gate: what to do if a limit is exceeded').choices([
        'halt',
        'rollback',
      ]),
    );

/** Undefined if no option of the gate was given. */
export function gateOf(options: GateOptions): WireGate | 'off' | undefined {
  const limits: WireGate = {
    ...(options.failMax !== undefined && { install_fail_ratio_max: options.failMax }),
    ...(options.verifyMax !== undefined && { verify_fail_max: options.verifyMax }),
    ...(options.silenceMax !== undefined && { silence_max: options.silenceMax }),
    ...(options.silenceAfter !== undefined && { silence_after: options.silenceAfter }),
    ...(options.minReports !== undefined && { min_reports: options.minReports }),
    ...(options.maxWait !== undefined && { max_wait: options.maxWait }),
    ...(options.onNoData !== undefined && { no_data: options.onNoData }),
    ...(options.onBreach !== undefined && { on_breach: options.onBreach }),
  };
  if (options.gate === false) return 'off';
  return options.gate === true || Object.keys(limits).length > 0 ? limits : undefined;
}

const wrong = (message: string): never => {
  throw new InvalidArgumentError(message);
};

const startArgument = (text: string): When | 'now' => (text === 'now' ? 'now' : whenArgument(text));

/** `2%` or `0.02` → 0.02; above 0 and at most 10 %, so that a limit is never "off". */
function limitArgument(text: string): number {
  const [, digits = '', percent] = /^(\d{1,2}(?:\.\d{1,4})?)\s*(%?)$/.exec(text) ?? [];
  const value = percent === '%' ? Math.round(Number(digits) * 10_000) / 1_000_000 : Number(digits);
  return digits !== '' && value > 0 && value <= 0.1
    ? value
    : wrong('Expected a share above 0 and at most 10%, like 2% or 0.02.');
}

/** A duration as the schema defines it. It is written to the file as typed. */
function lengthArgument(text: string): string {
  return isLength(text) ? text : wrong('Expected a duration like 30m, 18h or 2d.');
}

/** `1:4h,10:24h,50:24h:approval,100` */
export const stepsArgument = readWith(readSteps);
