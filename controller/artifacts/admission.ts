/** A build that can be offered must be stored, and its bytes must be what its YAML says (SPEC §7). */
import { stat } from 'node:fs/promises';
import type { ApkVerdict } from '../apk/index.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Finding } from '../domain/problem.ts';
import type { Build, DesiredState } from '../domain/release.ts';
import { offerableBuilds, type Standing } from '../domain/standing.ts';
import type { Artifacts } from '../ports/index.ts';
import { faulted } from './fault.ts';
import { concernFindings, disagreements, leftBehindFinding, missingFinding } from './findings.ts';
import type { FleetSdks } from './fleet-sdks.ts';
import { type OpenReader, verdictOf } from './inspect.ts';

/** What tells new builds from builds that were declared before. */
type Known = Pick<Standing, 'state' | 'formerBuilds'>;

export interface Admission {
  /**
   * Errors of the builds that can be offered. Builds of `standing` are left out: if their APK was lost or damaged
   * since, their offers are held ({@link missing}), but the commit that withdraws or reverts them must pass. An APK
   * that no device installs is an error for a build that `standing` never declared, else a warning.
   */
  admit(state: DesiredState, standing?: Known): Promise<Finding[]>;
  /** The findings of {@link admit} for builds that `standing` does not offer yet. */
  examine(builds: readonly Build[], standing?: Known): Promise<Finding[]>;
  /** Builds that can be offered but whose APK is gone or changed. A file is read again when its size or time changed. */
  missing(state: DesiredState): Promise<ReadonlySet<Sha256>>;
  /** Forgets the verdict on an APK: the next check reads its bytes again. */
  distrust(sha256: Sha256): void;
}

interface AdmissionOptions {
  readonly artifacts: Artifacts;
  readonly openReader?: OpenReader;
  readonly monotonicMs: () => number;
  /** Counts the devices that a build leaves behind. If undefined, that warning is left out. */
  readonly fleet?: FleetSdks;
}

/** A promotion reads the bytes again, unless they were read this recently. */
const FRESH_MS = 60_000;
/** How many verdicts are remembered; judging many pull requests must not fill the memory. */
const MAX_VERDICTS = 256;

/** The verdict on a file. It is valid while the file's size and time stay the same. */
interface KnownVerdict {
  readonly sizeBytes: number;
  readonly changedAtMs: number;
  readonly readAtMs: number;
  readonly verdict: ApkVerdict;
}

const isDeclared = ({ sha256 }: Build, standing: Known | undefined): boolean =>
  [...(standing?.state.builds.values() ?? []), ...(standing?.formerBuilds.values() ?? [])].some(
    b => b.sha256 === sha256,
  );

export function makeAdmission(options: AdmissionOptions): Admission {
  const { artifacts, openReader, monotonicMs, fleet } = options;
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

  const verdictOn = (build: Build, file: string, maxAgeMs: number): Promise<ApkVerdict> =>
    faulted(() => judge(build.sha256, file, maxAgeMs));

  /** Why the build cannot be served as declared. */
  async function check(build: Build, maxAgeMs: number): Promise<Finding[]> {
    const file = await artifacts.path(build.sha256);
    if (file === undefined) return [missingFinding(build)];
    return disagreements(build, await verdictOn(build, file, maxAgeMs));
  }

  /** An APK that cannot be read cannot be served either. */
  const stands = (build: Build): Promise<boolean> =>
    check(build, Number.POSITIVE_INFINITY).then(
      found => found.length === 0,
      () => false,
    );

  async function concernsOf(build: Build, declared: boolean): Promise<Finding[]> {
    const file = await artifacts.path(build.sha256);
    if (file === undefined) return [];
    const verdict = await verdictOn(build, file, Number.POSITIVE_INFINITY);
    return !verdict.ok ? [] : concernFindings(build, verdict.facts.concerns, declared);
  }

  /** Devices that a build leaves behind, unless the applied builds left them behind already. */
  async function leftBehind(build: Build, standing: Pick<Standing, 'state'> | undefined): Promise<Finding[]> {
    const before = standing === undefined ? [] : offerableBuilds(standing);
    if (fleet === undefined || before.some(b => b.minSdk >= build.minSdk)) return [];
    const count = await fleet(build.minSdk);
    return count.below === 0 ? [] : [leftBehindFinding(build, count)];
  }

  /** Findings for a build that is declared already. A disk that cannot be read must never hold up what is applied. */
  async function ofStanding(build: Build): Promise<Finding[]> {
    return (await stands(build)) ? concernsOf(build, true) : [];
  }

  const ofNew = async (build: Build, standing: Known | undefined): Promise<Finding[]> => [
    ...(await check(build, FRESH_MS)),
    ...(await leftBehind(build, standing)),
    ...(await concernsOf(build, isDeclared(build, standing))),
  ];

  return {
    admit: async (state, standing) => {
      const stood = new Set(standing === undefined ? [] : offerableBuilds(standing).map(b => b.sha256));
      const findings: Finding[] = [];
      for (const build of offerableBuilds({ state }))
        findings.push(...(stood.has(build.sha256) ? await ofStanding(build) : await ofNew(build, standing)));
      return findings;
    },
    examine: async (builds, standing) => {
      const findings: Finding[] = [];
      for (const build of builds) findings.push(...(await ofNew(build, standing)));
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
