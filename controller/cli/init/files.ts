/** The files that `ota init` writes, except the first build and its rollout: path in the repository → text. Pure. */
import { API_VERSION } from '../../domain/layout.ts';
import { modelineOf } from '../modeline.ts';
import { SCHEMA_FILES } from '../schema.ts';
import { CODEOWNERS, WORKFLOW } from './workflow.ts';

const FIRST_COHORT = 'lab';

const POLICY = `${modelineOf('policy')}# Guardrails for every merge. A merge is checked by the policy before it. Change them with: ota policy set
apiVersion: ${API_VERSION}
kind: Policy

allowed_percents: [0, 1, 5, 10, 25, 50, 100]
max_jump_percent: 50

# No increase while nobody can watch the rollout:
# freeze_windows:
#   - {reason: weekend, time_zone: Europe/Berlin, days: [sat, sun]}
#
# The keys with which builds may be signed, as printed by apksigner:
# pinned_signers: []
#
# Two approvals for a rollout to more than a quarter of the fleet:
# approvals:
#   - {above_percent: 25, approvals: 2}
`;

const COHORT = `${modelineOf('cohort')}# Devices that get each build first. A device gets an alias tag with: ota device tag DEVICE --add ${FIRST_COHORT}
apiVersion: ${API_VERSION}
kind: Cohort
name: ${FIRST_COHORT}
tags: [${FIRST_COHORT}]
`;

const README = `# Releases

These files declare which builds the fleet runs. A merge to the branch that the controller follows starts a rollout.

    ota build add app-release.apk     # declare a build, and store its APK in the controller
    ota promote b43 --ramp 1:4h,10:24h,50:24h,100 --gate --open-pr
    ota status -w                     # wait until it is done
    ota rollback --reason "…" --open-pr

- \`releases/rollout.yaml\`: which build goes to whom
- \`releases/builds/\`: facts about each APK; they never change
- \`releases/cohorts/\`: named lists of devices
- \`releases/policy.yaml\`: guardrails that merges must respect
- \`schemas/\`: JSON Schemas with which editors check these files

The workflow in \`.github/workflows/releases.yml\` checks pull requests. Set the repository variable \`OTA_PACKAGE\` to the
tarball or the container image of nexmdm-ota, make the check required, and name your teams in \`.github/CODEOWNERS\`.
`;

/** `version` is the version of this program. It is noted in the copies of the schemas. */
export function initFiles(version: string): ReadonlyMap<string, string> {
  const schemas = Object.entries(SCHEMA_FILES).map(([name, schema]): [string, string] => {
    const { $schema, ...rest } = schema as { $schema?: string };
    const noted = {
      $schema,
      $comment: `nexmdm-ota ${version}; to update it: ota schema ${name}`,
      ...rest,
    };
    return [`schemas/${name}.schema.json`, `${JSON.stringify(noted, null, 2)}\n`];
  });
  return new Map([
    ['README.md', README],
    ['releases/policy.yaml', POLICY],
    [`releases/cohorts/${FIRST_COHORT}.yaml`, COHORT],
    ...schemas,
    ['.github/workflows/releases.yml', WORKFLOW],
    ['.github/CODEOWNERS', CODEOWNERS],
  ]);
}
