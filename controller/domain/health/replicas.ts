/** The controllers on one database: who leads, who follows and would take over, who is gone. */
import { durationText, HOUR_MS, MINUTE_MS, SECOND_MS } from '../duration.ts';
import { countText } from '../plan/words.ts';
import { fine, type HealthCheck, type HealthFacts, off, type ReplicaFacts, warning } from './facts.ts';

/** Each says every few seconds that it is there. */
const GONE_AFTER_MS = 30 * SECOND_MS;
/** Clocks that differ by less may wait for each other's answers. */
const CLOCKS_AGREE_MS = MINUTE_MS;

export function replicasOf({ replicas }: HealthFacts): HealthCheck {
  if (replicas === undefined)
    return off(
      'replicas',
      'one controller; its database is a file on this machine',
      'for a second one that takes over, see docs/postgresql.md',
    );
  const gone = replicas.filter(r => r.agoMs > GONE_AFTER_MS);
  const here = replicas.filter(r => r.agoMs <= GONE_AFTER_MS);
  const text = here.length === 0 ? 'no controller has reported lately' : toldOf(here);
  if (gone.length > 0)
    return warning(
      'replicas',
      `${text}; ${gone.map(r => `${r.host} was last seen ${agoText(r.agoMs)} ago`).join(', ')}`,
      'start it again; a controller that does not come back is forgotten after a day',
    );
  const [astray] = here.filter(r => Math.abs(r.clockOffMs) > CLOCKS_AGREE_MS);
  if (astray !== undefined)
    return warning(
      'replicas',
      `${text}; the clock of ${astray.host} is ${agoText(Math.abs(astray.clockOffMs))} ${astray.clockOffMs > 0 ? 'ahead of' : 'behind'} the database's`,
      'set the clocks of all hosts by NTP: freeze windows and suspends begin and end by them',
    );
  if (new Set(here.map(r => r.version)).size > 1)
    return warning('replicas', text, 'update all of them to the newer version');
  return fine('replicas', text);
}

function toldOf(here: readonly ReplicaFacts[]): string {
  const each = here.map(({ host, version, role }) => `${host} (${version}) ${role}`).join(', ');
  const said = `${countText(here.length, 'controller')}: ${each}`;
  return here.length > 1 ? said : `${said}; no other one could take over`;
}

function agoText(ms: number): string {
  const unit = ms < 2 * MINUTE_MS ? SECOND_MS : ms < 2 * HOUR_MS ? MINUTE_MS : HOUR_MS;
  return durationText(Math.floor(ms / unit) * unit);
}
