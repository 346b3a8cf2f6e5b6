/** The figures of update checks and how they are computed from the runs: medians, and ratios round by round. */
import { type Measured, median, medianOf, rounded } from './load.ts';

export type Contestant = 'controller' | 'http' | 'koa';
export type AnswerKind = '304' | '200';

export interface CheckFigure {
  readonly perSecond: number;
  readonly cpuMicroseconds: number | undefined;
  /** Of the server's core: below 1 something else ran there too. */
  readonly coreShare: number | undefined;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export interface Ratios {
  readonly throughput: number;
  /** The rival's CPU time per request over the controller's: as with throughput, 1 is equal and more is better. */
  readonly cpu: number | undefined;
}

/** Checks come at a fixed rate, whatever the server does; latency counts from when a check was due. */
export interface PacedFigure {
  readonly rate: number;
  readonly cpuMicroseconds: number | undefined;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export interface CheckFigures {
  readonly devices: number;
  readonly connections: number;
  readonly answers: Readonly<
    Record<
      AnswerKind,
      {
        readonly bytes: number;
        readonly servers: Readonly<Record<Contestant, CheckFigure>>;
        readonly ratios: { readonly http: Ratios; readonly koa: Ratios };
        /** All at half of the controller's maximum, so that all servers do the same work, which they do not when saturated. */
        readonly halfOfSaturation: Readonly<Record<Contestant, PacedFigure>>;
        readonly cpuRatiosAtHalf: { readonly http: number | undefined; readonly koa: number | undefined };
        readonly at1000: PacedFigure;
      }
    >
  >;
  /** Checks that the controller itself counted, and the lines it logged of them. */
  readonly counted: number;
  readonly logged: number;
  readonly memoryMiB: { readonly now: number; readonly peak: number } | undefined;
}

const cpuOf = (run: Measured): number | undefined =>
  run.cpuSeconds === undefined ? undefined : run.cpuSeconds / run.requests;

export function figureOf(runs: readonly Measured[]): CheckFigure {
  const cpu = medianOf(runs.map(cpuOf));
  const share = medianOf(runs.map(({ cpuSeconds, seconds }) => cpuSeconds && cpuSeconds / seconds));
  return {
    perSecond: Math.round(median(runs.map(run => run.perSecond))),
    cpuMicroseconds: cpu && rounded(cpu * 1e6, 1),
    coreShare: share && rounded(share),
    p50Ms: rounded(median(runs.map(run => run.p50Ms))),
    p95Ms: rounded(median(runs.map(run => run.p95Ms))),
    p99Ms: rounded(median(runs.map(run => run.p99Ms))),
  };
}

/** Round by round, since the two ran within seconds of each other. */
export function ratiosOf(own: readonly Measured[], rival: readonly Measured[]): Ratios {
  const cpu = medianOf(
    own.map((run, i) => {
      const mine = cpuOf(run);
      const other = rival[i] === undefined ? undefined : cpuOf(rival[i]);
      return mine === undefined || other === undefined ? undefined : other / mine;
    }),
  );
  return {
    throughput: rounded(median(own.map((run, i) => run.perSecond / (rival[i]?.perSecond ?? Number.NaN)))),
    cpu: cpu && rounded(cpu),
  };
}

export function pacedOf(runs: readonly Measured[]): PacedFigure {
  const { perSecond, cpuMicroseconds, p50Ms, p95Ms, p99Ms } = figureOf(runs);
  return { rate: perSecond, cpuMicroseconds, p50Ms, p95Ms, p99Ms };
}
