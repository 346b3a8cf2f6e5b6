/** Operators' changes leave a row and a line: who, what, to whom. */
import type { AdminToken } from '../../ports/index.ts';
import type { Http } from '../options.ts';

/** Records the change that has just been made; `detail` holds no secret. */
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
