/** An operator confirms the wall clock (SPEC §2): the only way for sources that send no time of their own. */
import type * as Api from '../../../schemas/api.d.ts';
import { isoTime } from '../iso-time.ts';
import type { Http } from '../options.ts';
import type { Route, RouteBuilder } from '../route.ts';
import { audited } from './audited.ts';

export function clockRoute(http: Http, builder: RouteBuilder): Route {
  const { clock } = http.ports;
  return builder.admin('POST', '/v1/clock/confirm', 'admin', async (ctx, admin) => {
    const wasHeld = clock.confirm();
    const now = isoTime(clock.nowMs());
    if (wasHeld) await audited(http, admin, 'clock.confirm', 'clock', { now });
    const confirmed: Api.ClockConfirmed = { was_held: wasHeld, now };
    ctx.body = confirmed;
  });
}
