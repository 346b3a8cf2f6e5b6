/** A small curve: the share of active devices that ran a build while a revision was in force, scaled to its maximum. */
import type { AdoptionHour } from '../../ports/index.ts';
import { type Html, html } from '../html.ts';
import { percents } from '../words.ts';

const WIDTH = 240;
const HEIGHT = 28;
const POINTS = 60;

export function curveView(
  buildId: string,
  hours: readonly AdoptionHour[],
  fromMs: number,
  toMs: number,
  live: boolean,
): Html | undefined {
  if (hours.length < 2 || toMs <= fromMs) return undefined;
  const shareIn = ({ running }: AdoptionHour): number =>
    (running.get(buildId) ?? 0) /
    Math.max(
      1,
      [...running.values()].reduce((sum, n) => sum + n, 0),
    );
  const top = Math.max(0.01, ...hours.map(shareIn)) * 1.1;
  const every = Math.ceil(hours.length / POINTS);
  const points = hours
    .filter((_, at) => at % every === 0 || at === hours.length - 1)
    .map(hour => {
      const x = (Math.max(0, hour.hourMs - fromMs) * WIDTH) / (toMs - fromMs);
      const y = HEIGHT - (shareIn(hour) * HEIGHT) / top;
      return `${Math.min(WIDTH, x).toFixed(1)},${y.toFixed(1)}`;
    });
  const last = hours.at(-1);
  const said = `Share of active devices that ran ${buildId}: ${percents(Math.round((last === undefined ? 0 : shareIn(last)) * 1000) / 10)} at its end`;
  return html`<svg class="curve" role="img" aria-label="${said}" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none"><rect width="${WIDTH}" height="${HEIGHT}" class="f-sunken"/><polygon class="${live ? 'f-current' : 'f-old'}" points="${points[0]?.split(',')[0] ?? '0'},${HEIGHT} ${points.join(' ')} ${points.at(-1)?.split(',')[0] ?? WIDTH},${HEIGHT}"/></svg>`;
}
