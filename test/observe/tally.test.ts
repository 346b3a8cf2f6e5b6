import { Histogram, Registry } from 'prom-client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { counterTally, requestTally } from '../../controller/observe/tally.ts';

const lines = async (registry: Registry): Promise<string[]> =>
  (await registry.metrics()).split('\n').filter(line => line !== '');

test('a tally starts at 0 for every value and adds up from scrape to scrape', async () => {
  const registry = new Registry();
  const tally = counterTally(registry, { name: 'n_total', help: 'N.', label: 'kind', values: ['a', 'b'] });
  assert.equal((await lines(registry)).slice(2), ['n_total{kind="a"} 0', 'n_total{kind="b"} 0']);
  tally.inc('a');
  tally.inc('a');
  await lines(registry);
  tally.inc('b');
  assert.equal(await lines(registry), [
    '# HELP n_total N.',
    '# TYPE n_total counter',
    'n_total{kind="a"} 2',
    'n_total{kind="b"} 1',
  ]);
});

test('durations are rendered as prom-client renders the same ones', async () => {
  const buckets = [0.001, 0.02, 1];
  const ours = new Registry();
  const theirs = new Registry();
  const tally = requestTally(ours, { name: 'h_seconds', help: 'H.', buckets });
  const reference = new Histogram({
    name: 'h_seconds',
    help: 'H.',
    labelNames: ['route', 'status'],
    buckets,
    registers: [theirs],
  });
  // Powers of two add up alike in any order; the limits themselves belong to the bucket below.
  const seen: [string, number, number][] = [
    ['/v1/agent/update', 304, 2 ** -12],
    ['/v1/agent/update', 304, 2 ** -4],
    ['/v1/agent/update', 200, 0.02],
    ['/v1/agent/update', 200, 0.001],
    ['/healthz', 503, 4],
    ['unmatched', 404, 1],
  ];
  for (const [route, status, seconds] of seen) {
    tally.observe(route, status, seconds);
    reference.labels(route, `${Math.trunc(status / 100)}xx`).observe(seconds);
  }
  assert.equal((await lines(ours)).sort(), (await lines(theirs)).sort());
  // A scrape takes nothing away.
  assert.equal((await lines(ours)).sort(), (await lines(theirs)).sort());
});

test.run();
