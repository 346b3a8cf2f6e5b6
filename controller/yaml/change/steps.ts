/** A ramp as people type it: `1:4h,10:24h,50:24h:approval,100`. Pure. */
import { parseDuration } from '../../domain/duration.ts';
import { readPercent } from '../../domain/percent.ts';
import type { WireStep } from './ramp.ts';

const MOST_STEPS = 50;

/** The steps, or a sentence that says what is wrong. Every step but the last has a hold. */
export function readSteps(text: string): readonly WireStep[] | string {
  const parts = text.split(',').map(part => part.trim());
  if (parts.length > MOST_STEPS) return `At most ${MOST_STEPS} steps.`;
  const steps: WireStep[] = [];
  for (const [i, part] of parts.entries()) {
    const step = readStep(part, i === parts.length - 1);
    if (typeof step === 'string') return step;
    const before = steps.at(-1);
    if (before !== undefined && step.percent <= before.percent)
      return `Each step must be above the one before: ${part} follows ${parts[i - 1]}.`;
    steps.push(step);
  }
  return steps;
}

function readStep(part: string, isLast: boolean): WireStep | string {
  const [percentText = '', ...more] = part.split(':');
  const approval = more.at(-1) === 'approval';
  const holds = approval ? more.slice(0, -1) : more;
  const percent = readPercent(percentText);
  if (typeof percent === 'string') return percent;
  const [hold] = holds;
  if (holds.length > 1 || (hold !== undefined && (parseDuration(hold) === undefined || !isLength(hold))))
    return `${JSON.stringify(part)} is not a step: write PERCENT:HOLD, like 10:24h, or 50:24h:approval.`;
  if (hold === undefined && !isLast)
    return `The step ${part} needs a duration, like ${percentText}:24h; only the last step has none.`;
  if (hold !== undefined && isLast)
    return `The last step has no end: write ${percentText} instead of ${part}.`;
  return {
    percent,
    ...(hold !== undefined && { hold }),
    ...(approval && { approval: 'required' as const }),
  };
}

/** Whether the text is a duration as the schema defines it. It is written to the file as typed. */
export const isLength = (text: string): boolean => /^[1-9]\d{0,4}[smhd]$/.test(text);
