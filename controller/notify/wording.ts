/** The text of a message for every service: a headline, a few facts, and a quote. It is not escaped yet. */
import { MINUTE_MS } from '../domain/duration.ts';
import type { NamedBuild, Notice } from '../domain/notice/notice.ts';
import { fit, shortRevision } from './text.ts';

export interface Wording {
  readonly headline: string;
  /** Label and value. */
  readonly facts: readonly (readonly [string, string])[];
  /** The reason that the author of the change gave. */
  readonly quote: string | undefined;
  readonly tone: 'good' | 'neutral' | 'bad';
}

const FROM_MOST = 200;

const nameOf = ({ buildId, versionName }: NamedBuild): string => `${buildId} (${versionName})`;
const devices = (count: number): string => (count === 1 ? '1 device' : `${count} devices`);
const at = (revision: string): readonly [string, string] => ['Revision', shortRevision(revision)];

/** The name of the controller and the time of the event. */
export const stampOf = (atMs: number, from: string | undefined): string =>
  [...(from === undefined ? [] : [fit(from, FROM_MOST)]), new Date(atMs).toISOString()].join(' · ');

export function wordingOf(notice: Notice): Wording {
  switch (notice.kind) {
    case 'applied':
      return applied(notice);
    case 'reverted':
      return {
        headline: `Rolled back: ${notice.fromBuildId}; devices are offered ${nameOf(notice.build)}`,
        facts: [at(notice.revision), ...(notice.forceDowngrade ? ([['Downgrade', 'forced']] as const) : [])],
        quote: notice.reason,
        tone: 'bad',
      };
    case 'refused':
      return refused(notice);
    case 'halted':
      return {
        headline: `${nameOf(notice.build)} was ${notice.by === 'gate' ? 'halted by its gate' : 'stopped by hand'}`,
        facts: [
          at(notice.revision),
          ['By', notice.by],
          ['Devices get', notice.mode === 'rollback' ? 'the last safe build' : 'no new offers of it'],
        ],
        quote: notice.reason,
        tone: 'bad',
      };
    case 'completed':
      return {
        headline: `${notice.course === 'rollback' ? 'Rollback to' : 'Rollout of'} ${nameOf(notice.build)} is complete`,
        facts: [
          at(notice.revision),
          ['Running it', `${notice.running} of ${devices(notice.offered)}`],
          ...(notice.course === 'rollout' ? ([['Offered to', `${notice.percent} %`]] as const) : []),
        ],
        quote: undefined,
        tone: 'good',
      };
    case 'failure_spike':
      return {
        headline: `${nameOf(notice.build)} fails on ${devices(notice.failed)}`,
        facts: [
          at(notice.revision),
          ['Failed', `${notice.failed} of ${notice.ended} in ${notice.windowMs / MINUTE_MS} minutes`],
          ['Reasons', notice.reasons.map(r => `${r.reason} ${r.devices}`).join(', ')],
        ],
        quote: undefined,
        tone: 'bad',
      };
    case 'test':
      return {
        headline: 'This is a test: notifications arrive here',
        facts: [['Requested by', notice.by]],
        quote: undefined,
        tone: 'neutral',
      };
  }
}

function applied(notice: Notice & { kind: 'applied' }): Wording {
  const { build, previousBuildId, fromPercent, toPercent, finalPercent } = notice;
  const final = finalPercent === toPercent ? '' : `, finally ${finalPercent} %`;
  return {
    headline: `${nameOf(build)} is offered to ${toPercent} % of the fleet`,
    facts: [
      at(notice.revision),
      ['Offered to', `${fromPercent} % → ${toPercent} %${final}`],
      ...(previousBuildId === undefined ? [] : ([['Before', previousBuildId]] as const)),
    ],
    quote: notice.reason,
    tone: 'neutral',
  };
}

function refused(notice: Notice & { kind: 'refused' }): Wording {
  const { revision, standingRevision, problems, problemsTotal } = notice;
  const more = problemsTotal - problems.length;
  const shown = problems.map(({ code, file, line }) => (file === '' ? code : `${code} (${file}:${line})`));
  return {
    headline: `Revision ${shortRevision(revision)} was refused`,
    facts: [
      ['Still in force', standingRevision === undefined ? 'nothing' : shortRevision(standingRevision)],
      ['Problems', [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ')],
      ['Next', 'run ota status to see all problems'],
    ],
    quote: undefined,
    tone: 'bad',
  };
}
