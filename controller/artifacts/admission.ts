/** A build that can be offered must be stored, and its bytes must be what its YAML says (SPEC §7). */
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
   * Errors of the builds that can be offered. Builds of `standing` are left out: if their APK was lost or damaged since,
   * their offers are held ({@link missing}), but the commit that withdraws or reverts them must pass.
   */
  admit(state: DesiredState, standing?: DesiredState): Promise<Finding[]>;
  /** Builds that can be offered but whose APK is gone or changed. A file is read again when its size or time changed. */
  missing(state: DesiredState): Promise<ReadonlySet<Sha256>>;
  /** Forgets the verdict on an APK: the next look reads its bytes again. */
  distrust(sha256: Sha256): void;
}

export interface AdmissionOptions {
  readonly artifacts: Artifacts;
  readonly openReader?: OpenReader;
  readonly monotonicMs: () => number;
}

/** Before a promotion the bytes are read again, unless they were read this recently. */
const FRESH_MS = 60_000;
/** Verdicts to remember; judging many pull requests must not fill the memory. */
const MAX_VERDICTS = 256;

const finding = (build: Build, key: string, code: ProblemCode, message: string, hint?: string): Finding => ({
  severity: 'error',
  code,
  file: buildFile(build.buildId),
  path: [key],
  message,
  hint,
});

/** The verdict on a file, which counts while the file's size and time stay the same. */
interface KnownVerdict {
  readonly sizeBytes: number;
  readonly changedAtMs: number;
  readonly readAtMs: number;
  readonly verdict: ApkVerdict;
}

export function makeAdmission({ artifacts, openReader, monotonicMs }: AdmissionOptions): Admission {
  const judged = new Map<Sha256, KnownVerdict>();

  async function judge(sha256: Sha256, file: string, maxAgeMs: number): Promise<ApkVerdict> {
    const { size, ctimeMs } = await stat(file);
    const known = judged.get(sha256);
    const same = known !== undefined && known.sizeBytes === size && known.changedAtMs === ctimeMs;
    if (same && monotonicMs() - known.readAtMs <= maxAgeMs) return known.verdict;
    const readAtMs = monotonicMs();
    const verdict = await verdictOf(file, openReader);
    judged.delete(sha256);
    judged.set(sha256, { sizeBytes: size, changedAtMs: ctimeMs, readAtMs, verdict });
    const [oldest] = judged.keys();
    if (judged.size > MAX_VERDICTS && oldest !== undefined) judged.delete(oldest);
    return verdict;
  }

  async function check(build: Build, maxAgeMs: number): Promise<Finding[]> {
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
    const verdict = await faulted(() => judge(build.sha256, file, maxAgeMs));
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

  /** An APK that cannot be read cannot be served either. */
  const stands = (build: Build): Promise<boolean> =>
    check(build, Number.POSITIVE_INFINITY).then(
      found => found.length === 0,
      () => false,
    );

  return {
    admit: async (state, standing) => {
      const stood = new Set(
        standing === undefined ? [] : offerableBuilds({ state: standing }).map(b => b.sha256),
      );
      const findings: Finding[] = [];
      for (const build of offerableBuilds({ state }))
        if (!stood.has(build.sha256)) findings.push(...(await check(build, FRESH_MS)));
      return findings;
    },
    missing: async state => {
      const gone = new Set<Sha256>();
      for (const build of offerableBuilds({ state })) if (!(await stands(build))) gone.add(build.sha256);
      return gone;
    },
    distrust: sha256 => void judged.delete(sha256),
  };
}
