/** Wrong use that no single option shows: what is missing, or what contradicts itself. */
import { Fault } from '../domain/fault.ts';

export const usage = (message: string): Fault => new Fault('usage', message, { retry: 'never' });
