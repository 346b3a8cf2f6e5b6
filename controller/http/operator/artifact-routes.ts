/** `PUT /v1/artifacts/{sha256}` (SPEC §6): uploads an APK, verifies it as Android would, and stores it by its hash. */
import { isSha256, type Sha256 } from '../../domain/ids.ts';
import { askForBody, bodyPieces, needLengthWithin, needMediaType } from '../body.ts';
import { failureOf } from '../failure.ts';
import { isoTime } from '../iso-time.ts';
import type { Http } from '../options.ts';
import { Refusal } from '../problem.ts';
import { type Doors, param, type Route } from '../route.ts';
import { audited } from './audited.ts';

const TYPES = ['application/vnd.android.package-archive', 'application/octet-stream'];

const shaOf = (text: string): Sha256 => {
  if (!isSha256(text))
    throw new Refusal('path_invalid', 'an artifact name is 64 lower-case hex digits, the SHA-256 of the APK');
  return text;
};

export function artifactRoutes(http: Http, doors: Doors): Route[] {
  const { settings, observe } = http;
  const { artifacts, reconciler } = http.ports;

  return [
    doors.admin('PUT', '/v1/artifacts/:sha256', 'artifacts', async (ctx, admin) => {
      const sha256 = shaOf(param(ctx, 'sha256'));
      const actor = `admin:${admin.name}`;
      needMediaType(ctx.req, ...TYPES);
      needLengthWithin(ctx.req, settings.artifactMaxBytes);
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
        // An uploader can free space, so the full disk is named. A device is only told to come back.
        throw code === 'disk_full'
          ? new Refusal('disk_full', 'the disk that holds the artifacts is full', { cause: error })
          : error;
      }
    }),

    doors.admin('GET', '/v1/artifacts', 'read', async ctx => {
      const stored = await artifacts.list();
      ctx.body = {
        artifacts: stored.map(a => ({
          sha256: a.sha256,
          size_bytes: a.sizeBytes,
          stored_at: isoTime(a.storedAtMs),
        })),
        used_bytes: await artifacts.usedBytes(),
      };
    }),
  ];
}
