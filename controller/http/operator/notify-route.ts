/** Sends a test notification. It is an outbox row like any other, audited in the same transaction. */
import type * as Api from '../../../schemas/api.d.ts';
import { readChecked } from '../body.ts';
import type { Contract } from '../contract.ts';
import type { Http } from '../options.ts';
import { Refusal } from '../problem.ts';
import type { Route, RouteBuilder } from '../route.ts';

export function notifyRoute(http: Http, builder: RouteBuilder, contract: Contract): Route {
  const { notifier } = http.ports;
  return builder.admin('POST', '/v1/notify/test', 'admin', async (ctx, admin) => {
    const given = await readChecked(ctx, contract, 'NotifyTestRequest', http.settings.jsonMaxBytes);
    const known = new Map(notifier.destinations.map(d => [d.name, d]));
    if (known.size === 0)
      throw new Refusal('notify_off', 'notifications are off: set OTA_NOTIFY to turn them on');
    if (given.destination !== undefined && !known.has(given.destination))
      throw new Refusal(
        'destination_not_found',
        `there is no destination with this name; there are: ${[...known.keys()].join(', ')}`,
      );
    const by = `admin:${admin.name}`;
    http.observe({
      type: 'ota.admin',
      actor: by,
      action: 'notify.test',
      subject: given.destination ?? 'all',
    });
    const results = await notifier.test({ by, destination: given.destination });
    const answer: Api.NotifyTested = {
      results: results.map(({ destination, result, code }) => ({
        destination,
        service: known.get(destination)?.service ?? 'generic',
        result,
        code: code ?? null,
      })),
    };
    ctx.body = answer;
  });
}
