/**
 * Stored APKs (SPEC §6): uploaded and verified as Android would, listed with the builds that name them, and deleted.
 */
import type * as Api from '../../../schemas/api.d.ts';
import { type ArtifactUse, usesText } from '../../domain/artifact-use.ts';
import { isSha256, type Sha256 } from '../../domain/ids.ts';
import { askForBody, bodyPieces, requireLengthWithin, requireMediaType } from '../body.ts';
import { failureOf } from '../failure.ts';
import { isoTime } from '../iso-time.ts';
import type { Http } from '../options.ts';
import { Refusal } from '../problem.ts';
import { param, type Route, type RouteBuilder } from '../route.ts';
import { audited } from './audited.ts';
import { oneOfQuery } from './page.ts';

const TYPES = ['application/vnd.android.package-archive', 'application/octet-stream'];

const shaOf = (text: string): Sha256 => {
  if (!isSha256(text))
    throw new Refusal('path_invalid', 'an artifact name is 64 lower-case hex digits, the SHA-256 of the APK');
  return text;
};

const inUse = (uses: readonly ArtifactUse[]): Refusal =>
  new Refusal(
    'artifact_in_use',
    uses.length === 0
      ? 'no revision is applied yet, so it is unknown whether this APK is needed; force=true deletes it anyway'
      : `this APK is still in use: ${usesText(uses)}; force=true deletes it anyway`,
  );

export function artifactRoutes(http: Http, builder: RouteBuilder): Route[] {
  const { settings, observe } = http;
  const { artifacts, artifactUses: named, reconciler } = http.ports;

  return [
    builder.admin('PUT', '/v1/artifacts/:sha256', 'artifacts', async (ctx, admin) => {
      const sha256 = shaOf(param(ctx, 'sha256'));
      const actor = `admin:${admin.name}`;
      requireMediaType(ctx.req, ...TYPES);
      requireLengthWithin(ctx.req, settings.artifactMaxBytes);
      askForBody(ctx.req, ctx.res);
      try {
        const stored = await artifacts.put(
          sha256,
          bodyPieces(ctx.req, settings.uploadPace),
          settings.artifactMaxBytes,
        );
        const { created, repaired, sizeBytes } = stored;
        if (created || repaired) {
          const type = created ? 'ota.artifact.stored' : 'ota.artifact.repaired';
          observe({ type, sha256, bytes: sizeBytes, actor });
          await audited(http, admin, created ? 'artifact.put' : 'artifact.repair', sha256, {
            size_bytes: sizeBytes,
          });
        }
        // Devices that waited for this APK are offered it from now on.
        if (created || repaired) await reconciler.recheck();
        ctx.status = created ? 201 : 200;
        ctx.body = { sha256, size_bytes: sizeBytes, created, repaired };
      } catch (error) {
        const { code, refusal } = failureOf(error);
        // The verifier's code says why it refused.
        const { reason } = refusal.members;
        observe({
          type: 'ota.artifact.rejected',
          sha256,
          code: typeof reason === 'string' ? reason : code,
          actor,
        });
        // An uploader can free space, so the answer names the full disk. A device is only told to come back.
        throw code === 'disk_full'
          ? new Refusal('disk_full', 'the disk that holds the artifacts is full', { cause: error })
          : error;
      }
    }),

    builder.admin('GET', '/v1/artifacts', 'read', async ctx => {
      const stored = await artifacts.list();
      const uses = await named.uses();
      const list: Api.ArtifactList = {
        artifacts: stored.map(a => ({
          sha256: a.sha256,
          size_bytes: a.sizeBytes,
          stored_at: isoTime(a.storedAtMs),
          uses: [...(uses?.get(a.sha256) ?? [])],
        })),
        used_bytes: await artifacts.usedBytes(),
      };
      ctx.body = list;
    }),

    builder.admin('DELETE', '/v1/artifacts/:sha256', 'artifacts', async (ctx, admin) => {
      const sha256 = shaOf(param(ctx, 'sha256'));
      const force = oneOfQuery(ctx, 'force', ['true', 'false']) === 'true';
      const uses = await named.uses();
      const own = uses?.get(sha256) ?? [];
      if (!(await artifacts.has(sha256)))
        throw new Refusal('artifact_not_found', 'no APK with this sha256 is stored');
      if (!force && (uses === undefined || own.length > 0)) throw inUse(own);
      const sizeBytes = await artifacts.delete(sha256);
      if (sizeBytes !== undefined) {
        const actor = `admin:${admin.name}`;
        observe({ type: 'ota.artifact.deleted', sha256, bytes: sizeBytes, actor });
        await audited(http, admin, 'artifact.delete', sha256, { size_bytes: sizeBytes, force, uses: own });
        // A deleted APK must not be offered any longer.
        await reconciler.recheck();
      }
      ctx.status = 204;
    }),
  ];
}
