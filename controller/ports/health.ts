/** Whether the controller has what it needs. */
import type { HealthCheck } from '../domain/health/index.ts';

export interface HealthSource {
  /** Checks every part, in the order of HEALTH_PARTS. Queries other services at most once a minute, each for at most 10 s. */
  look(): Promise<readonly HealthCheck[]>;
}
