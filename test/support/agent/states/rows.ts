/** The rows of the state table: a state, and a fact that it meets. What follows lies in the vectors, and is reviewed. */
import type { Row } from './play.ts';
import { BEFORE } from './rows-before.ts';
import { CHECKING } from './rows-checking.ts';
import { DURING } from './rows-during.ts';
import { INSTALL } from './rows-installing.ts';
import { REPORTING } from './rows-reporting.ts';

export const ROWS: readonly Row[] = [...BEFORE, ...CHECKING, ...DURING, ...INSTALL, ...REPORTING];
