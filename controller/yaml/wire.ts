/** The four kinds of files as their schemas have passed them: snake_case, with what may be left out optional. */
export type {
  Build as WireBuild,
  Cohort as WireCohort,
  Policy as WirePolicy,
  Rollout as WireRollout,
} from '../../schemas/release.d.ts';
