/** How long the console keeps its records of revisions, comments and statuses: longer than any rollout takes. */
import { DAY_MS } from '../domain/duration.ts';

export const KEEP_MS = 400 * DAY_MS;
