/** Marks above a chart: a wider step, a halt, a rollback. Overlapping marks are merged; the worse one wins. */
import { type Html, html } from '../html.ts';
import type { Shape, Tone } from '../icons.ts';

export interface Mark {
  readonly atMs: number;
  readonly shape: Shape;
  readonly tone: Tone;
  readonly label: string;
}

/** In percent of the width. */
const NEAREST = 3.2;
const ROOM = 12;
const WORST: readonly Tone[] = ['none', 'ok', 'move', 'wait', 'pause', 'back', 'stop'];

export function marksView(marks: readonly Mark[], x: (ms: number) => number): Html[] {
  const kept: Mark[] = [];
  for (const mark of [...marks].sort((a, b) => a.atMs - b.atMs)) {
    const before = kept.at(-1);
    if (before === undefined || x(mark.atMs) - x(before.atMs) >= NEAREST) kept.push(mark);
    else if (WORST.indexOf(mark.tone) >= WORST.indexOf(before.tone)) kept[kept.length - 1] = mark;
  }
  return kept.map(({ atMs, shape, tone, label }, index) => {
    const at = `${x(atMs).toFixed(2)}%`;
    const next = kept[index + 1];
    // On a phone two labels would overlap, so only the later one is shown.
    const crowded = next !== undefined && x(next.atMs) - x(atMs) < ROOM;
    return html`<line class="mark ${tone}" x1="${at}" x2="${at}" y1="32" y2="254"/><svg x="${at}" y="17" overflow="visible" class="gl ${tone}"><use href="#i-${shape}" x="-6.5" width="13" height="13" fill="currentColor"/></svg><text x="${at}" y="11" class="${tone === 'stop' ? 'em' : ''}${crowded ? ' minor' : ''}" text-anchor="middle">${label}</text>`;
  });
}
