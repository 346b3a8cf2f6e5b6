/** Whether the controller has what it needs. */
import type { HealthCheck } from '../domain/health/index.ts';

export interface HealthSource {
  /** Every part, in the order of HEALTH_PARTS. Other services are asked at most once a minute, for 10 s at most. */
  look(): Promise<readonly HealthCheck[]>;
}
