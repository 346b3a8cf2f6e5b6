/** Asks the controller to check the stored APKs. If it cannot be asked, the check is skipped; nothing fails. */
import type * as Api from '../../schemas/api.d.ts';
import { Fault } from '../domain/fault.ts';
import type { Finding, ProblemCode } from '../domain/problem.ts';
import type { Build, DesiredState } from '../domain/release.ts';
import { offerableBuilds, type Standing } from '../domain/standing.ts';
import { controllerClient } from './client.ts';
import type { Io } from './io.ts';

export type Examined =
  | { readonly kind: 'known'; readonly findings: readonly Finding[] }
  /** `why` completes "not checked: …". */
  | { readonly kind: 'unknown'; readonly why: string };

export type ExamineBuilds = (builds: readonly Build[]) => Promise<Examined>;

export const examineOn =
  (io: Pick<Io, 'controller'>, offline: boolean): ExamineBuilds =>
  async builds => {
    if (offline) return { kind: 'unknown', why: '--offline' };
    if (io.controller.token === undefined) return { kind: 'unknown', why: 'OTA_ADMIN_TOKEN is not set' };
    const json: Api.ExamineRequest = { builds: builds.map(onWire) };
    try {
      const answer = await controllerClient(io).call({ method: 'POST', path: '/v1/artifacts/examine', json });
      return { kind: 'known', findings: (answer.json as Api.Examined).findings.map(findingOf) };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'not_found')
        return { kind: 'unknown', why: 'the controller is older than this command' };
      return { kind: 'unknown', why: error.message.split('\n')[0] ?? error.code };
    }
  };

const onWire = (build: Build): Api.DeclaredBuild => ({
  build_id: build.buildId,
  package: build.package,
  version_code: build.versionCode,
  version_name: build.versionName,
  min_sdk: build.minSdk,
  size_bytes: build.sizeBytes,
  sha256: build.sha256,
  signer_fingerprint: build.signerFingerprint,
  signers: build.signers.map(s => ({ min_sdk: s.minSdk, fingerprint: s.fingerprint })),
  signer_lineage: [...build.signerLineage],
});

/** Adds that the APK can still be uploaded before the merge; the pull request is then judged again. */
function findingOf({ severity, code, file, key, message, hint }: Api.BuildFinding): Finding {
  // A newer controller may send an unknown code. It is only printed.
  const about = { code: code as ProblemCode, file, path: [key] };
  return code === 'artifact_missing'
    ? {
        ...about,
        severity: 'warning',
        message: `${message}, so this cannot be applied yet`,
        hint: 'upload it before the merge: ota build add APK',
      }
    : { ...about, severity, message, hint: hint ?? undefined };
}

/** Builds that this change may offer for the first time. All others were admitted before. */
const newBuilds = (state: DesiredState, standing: Pick<Standing, 'state'> | undefined) => {
  const stood = new Set(standing === undefined ? [] : offerableBuilds(standing).map(b => b.sha256));
  return offerableBuilds({ state }).filter(b => !stood.has(b.sha256));
};

interface ApkCheck {
  readonly admit: (state: DesiredState, standing: Pick<Standing, 'state'> | undefined) => Promise<Finding[]>;
  /** Why the stored APKs were not checked; undefined if they were, or if there was nothing to check. */
  readonly unchecked: () => string | undefined;
}

export function apkCheck(examine: ExamineBuilds): ApkCheck {
  let why: string | undefined;
  return {
    unchecked: () => why,
    admit: async (state, standing) => {
      const builds = newBuilds(state, standing);
      if (builds.length === 0) return [];
      const examined = await examine(builds);
      if (examined.kind === 'known') return [...examined.findings];
      why = examined.why;
      return [];
    },
  };
}
