/** Turns the verdict on a build and its APK into findings at the keys of the build's file. */
import { type ApkVerdict, type Concern, compareWithBuild, HINTS } from '../apk/index.ts';
import { countText } from '../domain/plan/words.ts';
import type { Finding } from '../domain/problem.ts';
import type { Build } from '../domain/release.ts';
import { buildFile } from '../domain/rules/index.ts';
import type { SdkCount } from './fleet-sdks.ts';

type About = Pick<Finding, 'code' | 'message' | 'hint'>;

const finding = (build: Build, key: string, about: About): Finding => ({
  severity: 'error',
  file: buildFile(build.buildId),
  path: [key],
  ...about,
});

export const missingFinding = (build: Build): Finding =>
  finding(build, 'sha256', {
    code: 'artifact_missing',
    message: `the APK of build ${build.buildId} is not stored on the controller`,
    hint: 'upload it: ota build add, or PUT /v1/artifacts/{sha256}',
  });

export const leftBehindFinding = (build: Build, { below, known }: SdkCount): Finding => ({
  ...finding(build, 'min_sdk', {
    code: 'artifact_concern',
    message: `min_sdk is ${build.minSdk}, which ${countText(below, 'device')} of ${known} with a known SDK ${below === 1 ? 'does' : 'do'} not reach: ${below === 1 ? 'it is' : 'they are'} not offered this build`,
    hint: 'lower minSdkVersion, or leave these devices on the build that they run',
  }),
  severity: 'warning',
});

/** Empty when Android accepts the APK and it matches the build. */
export function disagreements(build: Build, verdict: ApkVerdict): Finding[] {
  if (!verdict.ok)
    return [
      finding(build, 'sha256', {
        code: 'artifact_rejected',
        message: `the APK is refused (${verdict.code}): ${verdict.message}`,
        hint: HINTS[verdict.code],
      }),
    ];
  return compareWithBuild(verdict.facts, build).map(({ field, declared, actual }) =>
    finding(build, field, {
      code: 'artifact_mismatch',
      message: `${field} is ${declared === '' ? 'empty' : declared} here and ${actual === '' ? 'empty' : actual} in the APK`,
      hint: 'let `ota build add` write the file from the APK',
    }),
  );
}

/**
 * Problems that prevent an install although the APK is signed. A build that was declared before may be what the fleet
 * runs, so it is not refused; its warnings were shown already.
 */
export function concernFindings(build: Build, concerns: readonly Concern[], declared: boolean): Finding[] {
  return concerns
    .filter(({ severity }) => severity === 'error' || !declared)
    .map(({ severity, code, message }) => ({
      ...finding(build, 'sha256', {
        code: severity === 'error' ? 'artifact_not_installable' : 'artifact_concern',
        message: `${message} (${code})`,
        hint: HINTS[code],
      }),
      severity: declared ? 'warning' : severity,
    }));
}
