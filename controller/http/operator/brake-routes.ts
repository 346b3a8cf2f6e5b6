/** The brake (SPEC §6): stops offers at once, without Git, or lifts the stop. Neither edits a rollout. */
import type * as Api from '../../../schemas/api.d.ts';
import type { Halt } from '../../domain/halt.ts';
import { readChecked } from '../body.ts';
import type { Contract } from '../contract.ts';
import { isoTime } from '../iso-time.ts';
import type { Http } from '../options.ts';
import type { Route, RouteBuilder } from '../route.ts';

export const haltOnWire = (halt: Halt): Api.Halt => ({
  id: halt.id,
  build_id: halt.buildId,
  kind: halt.kind,
  mode: halt.mode,
  at: isoTime(halt.atMs),
  by: halt.by,
  reason: halt.reason,
  declared: halt.declared,
  pull_request: halt.pullUrl ?? null,
});

export function brakeRoutes(http: Http, builder: RouteBuilder, contract: Contract): Route[] {
  const { brake } = http.ports;
  return [
    builder.admin('POST', '/v1/brake', 'brake', async (ctx, admin) => {
      const { reason } = await readChecked(ctx, contract, 'BrakeRequest', http.settings.jsonMaxBytes);
      const { halt, pressed } = await brake.press({ by: `admin:${admin.name}`, reason });
      const answer: Api.BrakePressed = { pressed, halt: haltOnWire(halt) };
      ctx.body = answer;
    }),

    builder.admin('POST', '/v1/resume', 'brake', async (ctx, admin) => {
      const given = await readChecked(ctx, contract, 'ResumeRequest', http.settings.jsonMaxBytes);
      const { lifted } = await brake.resume({
        by: `admin:${admin.name}`,
        reason: given.reason,
        without: given.without ?? [],
        mayLiftGate: admin.scopes.includes('admin'),
      });
      const answer: Api.Resumed = { lifted: lifted.map(haltOnWire) };
      ctx.body = answer;
    }),
  ];
}
