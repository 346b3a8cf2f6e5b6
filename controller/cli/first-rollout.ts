/** The first rollout.yaml of a repository. There is only one build, so it is offered to all devices. Pure. */
import { API_VERSION } from '../domain/layout.ts';

/** `modeline` is the first line of the file, or empty; `cohorts` become canaries. */
export function firstRollout(modeline: string, buildId: string, cohorts: readonly string[]): string {
  const canary = cohorts.length === 0 ? '{}' : `{cohorts: [${cohorts.join(', ')}]}`;
  return `${modeline}# Declares which build is offered to which devices.
apiVersion: ${API_VERSION}
kind: Rollout

current: ${buildId}
rollout_percent: 100  # the first build goes to all devices: no older build exists

# These devices are offered the next build first, at any percentage.
canary: ${canary}

wifi_only: true
min_battery_percent: 30
`;
}
