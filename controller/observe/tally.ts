/**
 * Metrics of the hot route. prom-client hashes labels on each call, which costs more than the decision of a check.
 * These metrics add to plain numbers and are rendered at a scrape.
 */
import { Counter, type Metric, type Registry } from 'prom-client';

interface CounterTally<Value extends string> {
  inc(value: Value): void;
}

/** A counter with one label whose values are known beforehand; all of them start at 0. */
export function counterTally<Value extends string>(
  registry: Registry,
  { name, help, label, values }: { name: string; help: string; label: string; values: readonly Value[] },
): CounterTally<Value> {
  const since = new Map(values.map(value => [value, { count: 0 }]));
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      for (const [value, tally] of since) {
        this.inc({ [label]: value }, tally.count);
        tally.count = 0;
      }
    },
  });
  return {
    inc: value => {
      const tally = since.get(value);
      if (tally !== undefined) tally.count += 1;
    },
  };
}

interface RequestTally {
  /** `status` is an HTTP status, counted by its class, such as `2xx`. */
  observe(route: string, status: number, seconds: number): void;
}

interface Series {
  readonly labels: { readonly route: string; readonly status: string };
  /** The count of each single bucket; the last is for values above all bounds. */
  readonly counts: Float64Array;
  sum: number;
}

/** 1xx to 5xx; anything else is counted with 0. */
const CLASSES = 6;

/** A histogram with the labels `route` and `status`. Routes are templates, so they are few. */
export function requestTally(
  registry: Registry,
  { name, help, buckets }: { name: string; help: string; buckets: readonly number[] },
): RequestTally {
  const routes = new Map<string, (Series | undefined)[]>();

  function seriesOf(route: string, status: number): Series {
    let classes = routes.get(route);
    if (classes === undefined) {
      classes = new Array<Series | undefined>(CLASSES).fill(undefined);
      routes.set(route, classes);
    }
    const hundreds = Math.trunc(status / 100);
    const place = hundreds > 0 && hundreds < CLASSES ? hundreds : 0;
    const known = classes[place];
    if (known !== undefined) return known;
    const labels = { route, status: `${place}xx` };
    const made = { labels, counts: new Float64Array(buckets.length + 1), sum: 0 };
    classes[place] = made;
    return made;
  }

  function valuesOf({ labels, counts, sum }: Series) {
    let below = 0;
    const values: { metricName: string; labels: object; value: number }[] = [];
    for (const [i, le] of [...buckets, '+Inf'].entries()) {
      below += counts[i] ?? 0;
      values.push({ metricName: `${name}_bucket`, labels: { le, ...labels }, value: below });
    }
    values.push({ metricName: `${name}_sum`, labels, value: sum });
    values.push({ metricName: `${name}_count`, labels, value: below });
    return values;
  }

  const metric = {
    name,
    help,
    type: 'histogram',
    labelNames: ['route', 'status'],
    aggregator: 'sum',
    get: async () => {
      const values = [...routes.values()].flatMap(classes =>
        classes.flatMap(series => (series === undefined ? [] : valuesOf(series))),
      );
      return { name, help, type: 'histogram', aggregator: 'sum', values };
    },
    reset: () => routes.clear(),
  };
  // The registry only uses a metric's name and the result of `get`, but its type allows only prom-client's own classes.
  registry.registerMetric(metric as unknown as Metric);

  return {
    observe: (route, status, seconds) => {
      const series = seriesOf(route, status);
      let place = 0;
      while (place < buckets.length && seconds > (buckets[place] ?? 0)) place += 1;
      series.counts[place] = (series.counts[place] ?? 0) + 1;
      series.sum += seconds;
    },
  };
}
