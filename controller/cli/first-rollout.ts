/** The first rollout.yaml of a repository: it can name no other build than the first one, and offers it to all. Pure. */
import { API_VERSION } from '../domain/layout.ts';

/** `modeline` is its first line, or nothing; `cohorts` become canaries. */
export function firstRollout(modeline: string, buildId: string, cohorts: readonly string[]): string {
  const canary = cohorts.length === 0 ? '{}' : `{cohorts: [${cohorts.join(', ')}]}`;
  return `${modeline}# The one declaration of which build goes to whom.
apiVersion: ${API_VERSION}
kind: Rollout

current: ${buildId}
rollout_percent: 100  # the first build goes to all: there is no other to fall back on

# Offered the next build first, whatever the percentage.
canary: ${canary}

wifi_only: true
min_battery_percent: 30
`;
}
