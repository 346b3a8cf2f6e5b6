/** Notes on problems beside the state: a refused revision, an unreadable source, a held clock, a lost APK. */

import { MINUTE_MS } from '../../domain/duration.ts';
import { isRefused } from '../frame.ts';
import { type Html, html, type Part } from '../html.ts';
import { icon, type Shape, type Tone } from '../icons.ts';
import { counted, momentAgo, short } from '../words.ts';
import type { NowFacts } from './facts.ts';

/** Age from which waiting effects are shown: long effects take time, and GitHub is retried within minutes. */
const LATE_MS = 15 * MINUTE_MS;
const SENT_TO: Readonly<Record<string, string>> = { github: 'GitHub', nudge: 'The push service' };

const note = (look: 'stop' | 'wait', shape: Shape, tone: Tone, title: Part, text: Part): Html =>
  html`<section class="note t-${look}">${icon(shape, tone)}<div><h2>${title}</h2><p>${text}</p></div></section>`;

export function notesView({ status, nowMs, inForce, waiting }: NowFacts): Html[] {
  const notes: Html[] = [];
  const errors = status.problems.filter(p => p.severity === 'error');
  const stands =
    status.appliedRevision === undefined
      ? 'Nothing is in force.'
      : `${short(status.appliedRevision)} stays in force.`;
  if (isRefused(status) && inForce !== undefined)
    notes.push(
      note(
        'stop',
        'refused',
        'stop',
        html`Revision <span class="mono">${short(status.attemptedRevision ?? '')}</span> was refused`,
        html`It has ${counted(errors.length, 'problem')} and changes nothing. ${stands} <a href="/revisions">See the problems with their lines</a>`,
      ),
    );
  if (status.sourceFault !== undefined)
    notes.push(
      note(
        'wait',
        'warn',
        'wait',
        'The source cannot be read',
        html`<code>${status.sourceFault}</code>${status.sourceReadAtMs !== undefined && html`, last read ${momentAgo(status.sourceReadAtMs, nowMs)}`}. Checks, steps, gates and the brake work without it. Merges wait until it can be read again.`,
      ),
    );
  for (const { topic, rows, oldestMs } of waiting)
    if (nowMs - oldestMs > LATE_MS)
      notes.push(
        note(
          'wait',
          'warn',
          'wait',
          `${SENT_TO[topic] ?? topic} does not accept what is sent to it`,
          html`${counted(rows, 'effect')} ${rows === 1 ? 'waits' : 'wait'}, the oldest since ${momentAgo(oldestMs, nowMs)}. The controller keeps trying. Checks, steps, gates and the brake work without it. <a href="/health">Health</a> says more.`,
        ),
      );
  if (status.clockHeld)
    notes.push(
      note(
        'wait',
        'warn',
        'wait',
        'The clock is held',
        html`The wall clock jumped, so no step is entered and no gate judges. Set the clock by NTP. If it is right already, confirm it: <code>ota clock confirm</code>`,
      ),
    );
  const lost = [...(inForce?.snapshot.missingArtifacts ?? [])];
  if (lost.length > 0)
    notes.push(
      note(
        'stop',
        'halt',
        'stop',
        'An APK is missing',
        html`Its build is offered to nobody until the APK is uploaded again: <code>ota build add APK</code>. ${lost.map(sha256 => html`<code>${sha256.slice(0, 16)}…</code> `)}`,
      ),
    );
  return notes;
}
