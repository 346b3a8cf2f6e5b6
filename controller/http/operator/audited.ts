/** Every change by an operator leaves an audit row and a log line: who changed what. */
import type { AdminToken } from '../../ports/index.ts';
import type { Http } from '../options.ts';

/** Records a change that has just been made. `detail` must hold no secret. */
export async function audited(
  http: Http,
  admin: AdminToken,
  action: string,
  subject: string,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const actor = `admin:${admin.name}`;
  http.observe({ type: 'ota.admin', actor, action, subject });
  await http.ports.audit.record({ atMs: http.ports.clock.nowMs(), actor, action, subject, detail });
}
