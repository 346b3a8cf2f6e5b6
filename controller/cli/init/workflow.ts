/** The workflow that judges each pull request of a releases repository. */

/** A GitHub expression. Use it only in the environment, never in shell code. */
const expression = (text: string): string => `\${{ ${text} }}`;

export const WORKFLOW = `# Checks every change of the releases before it can be merged. It always runs and always reports, even if releases/ is
# unchanged, so that it can be a required check.
#
# The repository variable OTA_PACKAGE names the program that checks: the tarball of nexmdm-ota (a path or an https
# address that ends in .tgz), or its container image. Use an exact version and update it by hand.
name: releases

on:
  pull_request:
  merge_group:

permissions: {}

concurrency:
  group: releases-${expression('github.event.pull_request.number || github.ref')}
  cancel-in-progress: true

jobs:
  judge:
    name: validate and plan
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    permissions:
      contents: read
    steps:
      - name: The change, as it would be merged
        uses: actions/checkout@v4
        with:
          fetch-depth: 0
          persist-credentials: false
      - uses: actions/setup-node@v4
        with:
          node-version: 20
      # The real base is the first parent of the merge commit that was checked out.
      - name: Find the base
        id: base
        env:
          QUEUED_ON: ${expression('github.event.merge_group.base_sha')}
        run: echo "sha=\${QUEUED_ON:-$(git rev-parse 'HEAD^1')}" >> "$GITHUB_OUTPUT"
      - name: Install ota
        env:
          OTA_PACKAGE: ${expression('vars.OTA_PACKAGE')}
        run: |
          place="$RUNNER_TEMP/ota"
          case "$OTA_PACKAGE" in
            '')
              echo '::error::set the repository variable OTA_PACKAGE to the tarball or the image of nexmdm-ota'
              exit 1
              ;;
            *.tgz)
              npm install --global --ignore-scripts --no-audit --no-fund --prefix "$place" "$OTA_PACKAGE"
              ;;
            *)
              container=$(docker create "$OTA_PACKAGE")
              mkdir -p "$place/bin"
              docker cp "$container:/app" "$place/app"
              docker rm "$container" > /dev/null
              printf '#!/bin/sh\\nexec node "%s" "$@"\\n' "$place/app/dist/controller/cli/main.js" > "$place/bin/ota"
              chmod +x "$place/bin/ota"
              ;;
          esac
          echo "$place/bin" >> "$GITHUB_PATH"
      - name: Validate, with annotations at file, line and column
        id: validate
        env:
          BASE: ${expression('steps.base.outputs.sha')}
        run: ota validate releases --base "$BASE" --format github
      - name: Plan, offline and nominal
        if: ${expression("!cancelled() && steps.validate.outcome == 'success'")}
        env:
          BASE: ${expression('steps.base.outputs.sha')}
        run: ota plan --base "$BASE" --offline --format markdown >> "$GITHUB_STEP_SUMMARY"
      - name: Rehearse the way back
        if: ${expression("!cancelled() && steps.validate.outcome == 'success'")}
        env:
          BASE: ${expression('steps.base.outputs.sha')}
        run: ota rehearse --base "$BASE" --format markdown >> "$GITHUB_STEP_SUMMARY"
`;

export const CODEOWNERS = `# Who must approve what. Replace the names with your own teams: GitHub ignores a rule whose team does not exist.
# /releases/             @your-organisation/release-managers
# /releases/policy.yaml  @your-organisation/release-managers @your-organisation/security
# /.github/              @your-organisation/platform @your-organisation/security
`;
