/** The data of the four kinds of files after their schemas have passed: snake_case, with optional keys. */
export type {
  Build as WireBuild,
  Cohort as WireCohort,
  Policy as WirePolicy,
  Rollout as WireRollout,
} from '../../schemas/release.d.ts';
