/** What `ota status -w` draws on a terminal: the curve since the start of the watch, and what it waits for. */
import { type CurvePoint, drawCurve, LABEL_WIDTH } from './curve.ts';
import type { Io } from './io.ts';
import { visibleLine } from './problem-formats.ts';
import type { RolloutOnWire } from './rollout-wire.ts';

/** If there are more points, some are dropped, because a watch may last for days. */
const MOST_POINTS = 1024;
/** A narrower terminal gets no curve. */
const LEAST_WIDTH = 20;
const HEIGHT = 8;

export interface Picture {
  show(now: RolloutOnWire, why: string): void;
}

/** Redraws in place. The lines differ by shape, not by colour. */
export function makePicture(io: Pick<Io, 'err' | 'columns' | 'nowMs'>): Picture {
  const points: CurvePoint[] = [];
  const begunMs = io.nowMs();
  let every = 1;
  let looks = 0;
  let drawn = 0;

  function add(now: RolloutOnWire): void {
    if (looks++ % every === 0) points.push(pointOf(now));
    if (points.length <= MOST_POINTS) return;
    every *= 2;
    points.splice(0, points.length, ...points.filter((_, i) => i % 2 === 0));
  }

  return {
    show: (now, why) => {
      add(now);
      const width = Math.min(72, io.columns - LABEL_WIDTH - 1);
      const curve =
        width < LEAST_WIDTH
          ? ''
          : drawCurve(points, [clock(begunMs), clock(io.nowMs())], { width, height: HEIGHT });
      const lines = [...curve.split('\n').filter(line => line !== ''), legendOf(now), visibleLine(why)].map(
        line => line.slice(0, io.columns - 1),
      );
      // Move up to the first line of the last drawing and clear everything below.
      io.err(`${drawn === 0 ? '' : `\x1b[${drawn}A\x1b[0J`}${lines.join('\n')}\n`);
      drawn = lines.length;
    },
  };
}

/** Shares of the active devices. */
function pointOf({ progress, fleet }: RolloutOnWire): CurvePoint {
  const share = (devices: number): number => Math.min(100, (devices / Math.max(1, fleet.active)) * 100);
  return { exposed: share(progress?.offered ?? 0), taken: share(progress?.running ?? 0) };
}

function legendOf({ progress, fleet }: RolloutOnWire): string {
  const { running = 0, offered = 0, build_id } = progress ?? {};
  return `█ ${running} run ${build_id ?? 'it'}  ─ ${offered} offered, of ${fleet.active} active`;
}

/** `14:02 UTC` */
const clock = (ms: number): string => `${new Date(ms).toISOString().slice(11, 16)} UTC`;
