/** Which APKs the controller holds, where it can be asked. Not knowing is never a reason to fail. */
import { Fault } from '../domain/fault.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Finding } from '../domain/problem.ts';
import type { DesiredState } from '../domain/release.ts';
import { buildFile } from '../domain/rules/index.ts';
import { offerableBuilds, type Standing } from '../domain/standing.ts';
import { controllerClient } from './client.ts';
import type { Io } from './io.ts';

export type StoredApks =
  | { readonly kind: 'known'; readonly sha256s: ReadonlySet<Sha256> }
  /** `why` completes "not checked: …". */
  | { readonly kind: 'unknown'; readonly why: string };

interface ArtifactsOnWire {
  readonly artifacts: readonly { readonly sha256: string }[];
}

export async function askStored(io: Pick<Io, 'controller'>, offline: boolean): Promise<StoredApks> {
  if (offline) return { kind: 'unknown', why: '--offline' };
  if (io.controller.token === undefined) return { kind: 'unknown', why: 'OTA_ADMIN_TOKEN is not set' };
  try {
    const { json } = await controllerClient(io).call({ path: '/v1/artifacts' });
    const { artifacts } = json as ArtifactsOnWire;
    return { kind: 'known', sha256s: new Set(artifacts.map(a => a.sha256)) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: 'unknown', why: error.message.split('\n')[0] ?? error.code };
  }
}

/** Builds that this change may offer for the first time; all others were admitted before. */
const newBuilds = (state: DesiredState, standing: Pick<Standing, 'state'> | undefined) => {
  const stood = new Set(standing === undefined ? [] : offerableBuilds(standing).map(b => b.sha256));
  return offerableBuilds({ state }).filter(b => !stood.has(b.sha256));
};

export interface ApkCheck {
  readonly admit: (state: DesiredState, standing: Pick<Standing, 'state'> | undefined) => Promise<Finding[]>;
  /** Why the stored APKs were not checked; undefined when they were, or there was nothing to check. */
  readonly unchecked: () => string | undefined;
}

/** An APK may still be uploaded before the merge: here it is a warning, and the pull request is judged by it. */
export function apkCheck(ask: () => Promise<StoredApks>): ApkCheck {
  let why: string | undefined;
  return {
    unchecked: () => why,
    admit: async (state, standing) => {
      const builds = newBuilds(state, standing);
      if (builds.length === 0) return [];
      const stored = await ask();
      if (stored.kind === 'unknown') {
        why = stored.why;
        return [];
      }
      return builds
        .filter(b => !stored.sha256s.has(b.sha256))
        .map(b => ({
          severity: 'warning',
          code: 'artifact_missing',
          file: buildFile(b.buildId),
          path: ['sha256'],
          message: `the APK of build ${b.buildId} is not stored on the controller, so this cannot be applied yet`,
          hint: 'upload it before the merge: ota build add APK',
        }));
    },
  };
}
