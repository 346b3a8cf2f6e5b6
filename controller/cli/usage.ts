/** Errors for options that are missing or contradict each other. */
import { Fault } from '../domain/fault.ts';

export const usage = (message: string): Fault => new Fault('usage', message, { retry: 'never' });
