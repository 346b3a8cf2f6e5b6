/** `ota explain DEVICE --at TIME`: what a device would have been offered at that time, and which facts are not known. */
import type * as Api from '../../schemas/api.d.ts';
import { type Io, paint } from './io.ts';
import { visibleLine } from './problem-formats.ts';
import { shortRevision } from './rollout-wire.ts';
import { table } from './table.ts';

export function printPast(found: Api.PastExplanation, io: Io): void {
  const { bold, dim, yellow } = paint(io);
  io.out(`${bold(found.device_id)} at ${found.at}: ${answerOf(found, io)}\n`);
  io.out(`${dim(factsOf(found))}\n`);
  if (found.steps.length > 0)
    io.out(`\n${table(found.steps.map(s => [s.step, bold(visibleLine(s.finding)), visibleLine(s.why)]))}`);
  if (found.not_known.length === 0) return;
  const lines = found.not_known.map(sentence => `  ${visibleLine(sentence)}\n`);
  io.out(`\n${yellow('not known')}\n${lines.join('')}`);
}

const STANDING = {
  not_enrolled: 'it was not enrolled then',
  revoked: 'it was revoked, so its requests were refused',
} as const;

function answerOf({ decision, standing }: Api.PastExplanation, io: Io): string {
  const { green, yellow } = paint(io);
  if (standing !== 'enrolled') return yellow(STANDING[standing]);
  if (decision === null) return yellow('not known');
  if (decision.kind === 'hold') return yellow(`hold ${decision.reason}`);
  return green(
    `offer ${decision.build_id} (${decision.eligible_by}${decision.force_downgrade ? ', downgrade' : ''})`,
  );
}

function factsOf({ tags, installed, revision, applied_at, percent, verdict }: Api.PastExplanation): string {
  const had = tags === null ? 'tags not known' : tags.length === 0 ? 'no tags' : `tags ${tags.join(', ')}`;
  const ran =
    installed === null
      ? 'version not known'
      : `version_code ${installed.version_code}, as reported at ${installed.said_at}`;
  const stood =
    revision === null
      ? 'no revision known'
      : `revision ${shortRevision(revision)} since ${applied_at ?? '?'}`;
  const judged = verdict === null ? [] : [`verdict ${[verdict.verdict, ...verdict.reasons].join(', ')}`];
  return [had, ran, stood, ...(percent === null ? [] : [`${percent} %`]), ...judged].join('; ');
}
