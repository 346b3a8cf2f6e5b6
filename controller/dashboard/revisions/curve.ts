/** A small curve: the share of active devices that ran a build while a revision stood. */
import type { AdoptionHour } from '../../ports/index.ts';
import { type Html, html } from '../html.ts';
import { share } from '../words.ts';

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
  const every = Math.ceil(hours.length / POINTS);
  const points = hours
    .filter((_, at) => at % every === 0 || at === hours.length - 1)
    .map(({ hourMs, running }) => {
      const active = [...running.values()].reduce((sum, n) => sum + n, 0);
      const x = (Math.max(0, hourMs - fromMs) * WIDTH) / (toMs - fromMs);
      const y = HEIGHT - ((running.get(buildId) ?? 0) * HEIGHT) / Math.max(1, active);
      return `${Math.min(WIDTH, x).toFixed(1)},${y.toFixed(1)}`;
    });
  const last = hours.at(-1);
  const active = [...(last?.running.values() ?? [])].reduce((sum, n) => sum + n, 0);
  const said = `Share of active devices that ran ${buildId}, up to ${share(last?.running.get(buildId) ?? 0, active)}`;
  return html`<svg class="curve" role="img" aria-label="${said}" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none"><rect width="${WIDTH}" height="${HEIGHT}" class="f-sunken"/><polygon class="${live ? 'f-current' : 'f-old'}" points="${points[0]?.split(',')[0] ?? '0'},${HEIGHT} ${points.join(' ')} ${points.at(-1)?.split(',')[0] ?? WIDTH},${HEIGHT}"/></svg>`;
}
