/**
 * `POST /v1/artifacts/examine`: the findings on stored APKs that a merge would get, asked before the merge (SPEC §7).
 */
import type * as Api from '../../../schemas/api.d.ts';
import type { Build } from '../../domain/release.ts';
import { readChecked } from '../body.ts';
import type { Contract } from '../contract.ts';
import type { Http } from '../options.ts';
import type { Route, RouteBuilder } from '../route.ts';

const MAX_BYTES = 65_536;

const buildOf = (wire: Api.DeclaredBuild): Build => ({
  buildId: wire.build_id,
  package: wire.package,
  versionCode: wire.version_code,
  versionName: wire.version_name,
  minSdk: wire.min_sdk,
  sizeBytes: wire.size_bytes,
  sha256: wire.sha256,
  signerFingerprint: wire.signer_fingerprint,
  signers: (wire.signers ?? []).map(s => ({ minSdk: s.min_sdk, fingerprint: s.fingerprint })),
  signerLineage: wire.signer_lineage ?? [],
  notes: undefined,
  withdrawn: undefined,
});

export function examineRoute(http: Http, builder: RouteBuilder, contract: Contract): Route {
  return builder.admin('POST', '/v1/artifacts/examine', 'read', async ctx => {
    const { builds } = await readChecked(ctx, contract, 'ExamineRequest', MAX_BYTES);
    const found = await http.ports.examiner.examine(builds.map(buildOf));
    const examined: Api.Examined = {
      findings: found.map(({ severity, code, file, path, message, hint }) => ({
        severity,
        code,
        file,
        key: path.join('.'),
        message,
        hint: hint ?? null,
      })),
    };
    ctx.body = examined;
  });
}
