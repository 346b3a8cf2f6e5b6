/** Advertised is served: what may be offered must be stored, and its bytes must be what the YAML says (SPEC §7). */
import { stat } from 'node:fs/promises';
import { type ApkVerdict, compareWithBuild } from '../apk/index.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Finding, ProblemCode } from '../domain/problem.ts';
import type { Build, DesiredState } from '../domain/release.ts';
import { buildFile } from '../domain/rules/index.ts';
import { offerableBuilds } from '../domain/standing.ts';
import type { Artifacts } from '../ports/index.ts';
import { faulted } from './fault.ts';
import { type OpenReader, verdictOf } from './inspect.ts';

export interface Admission {
  /**
   * Errors of the builds that may be offered. A build that already stands in `standing` may have lost its APK since, or
   * its bytes: that holds its offers ({@link missing}) and must not hold up the commit that withdraws or reverts it.
   */
  admit(state: DesiredState, standing?: DesiredState): Promise<Finding[]>;
  /** Builds that may be offered and whose APK has gone or is no longer what it was; each file is read once as it stands. */
  missing(state: DesiredState): Promise<ReadonlySet<Sha256>>;
}

export interface AdmissionOptions {
  readonly artifacts: Artifacts;
  readonly openReader?: OpenReader;
}

const finding = (build: Build, key: string, code: ProblemCode, message: string, hint?: string): Finding => ({
  severity: 'error',
  code,
  file: buildFile(build.buildId),
  path: [key],
  message,
  hint,
});

/** Verdicts are kept per file as it stands, so an unchanged build is verified once. */
interface KnownVerdict {
  readonly sizeBytes: number;
  readonly changedAtMs: number;
  readonly verdict: ApkVerdict;
}

export function makeAdmission({ artifacts, openReader }: AdmissionOptions): Admission {
  let judged = new Map<Sha256, KnownVerdict>();

  async function judge(sha256: Sha256, file: string): Promise<ApkVerdict> {
    const { size, ctimeMs } = await stat(file);
    const known = judged.get(sha256);
    if (known !== undefined && known.sizeBytes === size && known.changedAtMs === ctimeMs)
      return known.verdict;
    const verdict = await verdictOf(file, openReader);
    judged.set(sha256, { sizeBytes: size, changedAtMs: ctimeMs, verdict });
    return verdict;
  }

  async function check(build: Build): Promise<Finding[]> {
    const file = await artifacts.path(build.sha256);
    if (file === undefined)
      return [
        finding(
          build,
          'sha256',
          'artifact_missing',
          `the APK of build ${build.buildId} is not stored on the controller`,
          'upload it: ota build add, or PUT /v1/artifacts/{sha256}',
        ),
      ];
    const verdict = await faulted(() => judge(build.sha256, file));
    if (!verdict.ok)
      return [
        finding(
          build,
          'sha256',
          'artifact_rejected',
          `the APK is refused (${verdict.code}): ${verdict.message}`,
        ),
      ];
    return compareWithBuild(verdict.facts, build).map(({ field, declared, actual }) =>
      finding(
        build,
        field,
        'artifact_mismatch',
        `${field} is ${declared === '' ? 'empty' : declared} here and ${actual === '' ? 'empty' : actual} in the APK`,
        'let `ota build add` write the file from the APK',
      ),
    );
  }

  /** Whatever keeps the file from being read keeps it from being served too. */
  const stands = (build: Build): Promise<boolean> =>
    check(build).then(
      found => found.length === 0,
      () => false,
    );

  return {
    admit: async (state, standing) => {
      const stood = new Set(
        standing === undefined ? [] : offerableBuilds({ state: standing }).map(b => b.sha256),
      );
      const builds = offerableBuilds({ state });
      const findings: Finding[] = [];
      for (const build of builds) if (!stood.has(build.sha256)) findings.push(...(await check(build)));
      const inUse = new Set([...stood, ...builds.map(b => b.sha256)]);
      judged = new Map([...judged].filter(([sha256]) => inUse.has(sha256)));
      return findings;
    },
    missing: async state => {
      const gone = new Set<Sha256>();
      for (const build of offerableBuilds({ state })) if (!(await stands(build))) gone.add(build.sha256);
      return gone;
    },
  };
}
