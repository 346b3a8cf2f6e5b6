/** The formats of the schemas: what JSON Schema alone cannot say. */
import type { Format } from 'ajv';
import { parseTime } from '../domain/time.ts';

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export const FORMATS: Readonly<Record<'date-time' | 'iana-time-zone', Format>> = {
  'date-time': { type: 'string', validate: (text: string) => parseTime(text) !== undefined },
  'iana-time-zone': { type: 'string', validate: isTimeZone },
};
