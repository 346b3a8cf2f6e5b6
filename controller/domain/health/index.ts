/**
 * What a controller needs of its surroundings, part by part: fine, or what is wrong and its cure. The one list behind
 * `GET /v1/health`, `ota doctor` and the dashboard. Pure: facts in, checks out.
 */
import type { HealthCheck, HealthFacts } from './facts.ts';
import { githubOf, objectStoreOf, pushOf, signInOf, webhookOf } from './outside.ts';
import { artifactsOf, certificateOf, clockOf, diskOf, keysOf, operatorsOf, sourceOf } from './own.ts';
import { replicasOf } from './replicas.ts';

export {
  HEALTH_PARTS,
  HEALTH_STATES,
  type HealthCheck,
  type HealthFacts,
  type HealthPart,
  type HealthState,
  type Probe,
} from './facts.ts';

export const healthOf = (facts: HealthFacts): HealthCheck[] => [
  clockOf(facts),
  sourceOf(facts),
  artifactsOf(facts),
  keysOf(facts),
  operatorsOf(facts),
  certificateOf(facts),
  diskOf(facts),
  objectStoreOf(facts),
  pushOf(facts),
  githubOf(facts),
  webhookOf(facts),
  signInOf(facts),
  replicasOf(facts),
];

/** The worst state among them; `off` is as good as fine. */
export const worstOf = (checks: readonly HealthCheck[]): 'fine' | 'warning' | 'failing' =>
  checks.some(c => c.state === 'failing')
    ? 'failing'
    : checks.some(c => c.state === 'warning')
      ? 'warning'
      : 'fine';
