/** How long the console keeps what it knows of a revision, a comment or a status: longer than any rollout takes. */
import { DAY_MS } from '../domain/duration.ts';

export const KEEP_MS = 400 * DAY_MS;
