/** Edges of what a plan shows: what appears from one on, and stays away at none. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { singleLine } from '../../../controller/domain/plan/escape.ts';
import { countFleet } from '../../../controller/domain/plan/fleet.ts';
import { type Plan, plan } from '../../../controller/domain/plan/index.ts';
import { renderPlanMarkdown } from '../../../controller/domain/plan/markdown.ts';
import { renderPlanText } from '../../../controller/domain/plan/text.ts';
import { bytesText } from '../../../controller/domain/plan/words.ts';
import type { Standing } from '../../../controller/domain/standing.ts';
import { aBuild, aRamp, aState, HOUR_MS, NOW_MS, type StateParts } from '../../support/state.ts';

const stand = (parts: StateParts = {}): Standing => ({
  state: aState(parts),
  progress: undefined,
  formerBuilds: new Map(),
});
const between = (base: StateParts, head: StateParts): Plan => plan(stand(base), stand(head), NOW_MS);
const both = (p: Plan, fleet?: ReturnType<typeof countFleet>): string[] => [
  renderPlanText(p, { fleet }),
  renderPlanMarkdown(p, { fleet }),
];
const device = (deviceId: string, versionCode: number) => ({ deviceId, tags: [], versionCode });

test('one device that stays ahead or is told to go back is shown, none is not', () => {
  const back = { rollout: { rollback: true } };
  const forced = { rollout: { rollback: true, forceDowngrade: true, reason: 'x' } };
  const old = device('a', 41);
  const updated = device('b', 42);
  const stays = between({}, back);
  for (const text of both(stays, countFleet(stays, [old, updated])))
    assert.match(
      text,
      /1 device on a newer version, staying there|1 stays? on a newer version|1 .*newer version/,
    );
  for (const text of both(stays, countFleet(stays, [old]))) {
    assert.not.match(text, /newer version, staying|stays? on a newer/);
    assert.not.match(text, /told to go back/);
  }
  const returns = between({}, forced);
  assert.match(
    renderPlanMarkdown(returns, { fleet: countFleet(returns, [updated]) }),
    /1 device(\*\*)? (is|are) told to go back/,
  );
});

test('a view names its share unless it is about all devices', () => {
  const text = renderPlanText(between({ rollout: 5 }, { rollout: 10 }));
  assert.match(text, /Devices in the rollout \(10 %\) are offered b42/);
  assert.match(text, /Devices outside the rollout \(90 %\) are offered b41/);
  const all = renderPlanText(between({ rollout: 50 }, { rollout: 100 }));
  assert.match(all, /All devices are offered b42/);
  assert.not.match(all, /All devices \(/);
});

test('only a rollout that rises by itself is said to reach more without another commit', () => {
  assert.not.match(renderPlanText(between({ rollout: 5 }, { rollout: 10 })), /without another commit/);
  const ramp = between({ rollout: 0 }, { rollout: { exposure: aRamp(undefined, [1, 4], [50]) } });
  assert.match(renderPlanText(ramp), /it reaches 50 % without another commit/);
});

test('a plan without dangers has no list of them, and one with a danger has', () => {
  const safe = between({ rollout: 10 }, { rollout: 11 });
  assert.equal(safe.dangers, []);
  assert.not.match(renderPlanText(safe), /Dangers/);
  assert.not.match(renderPlanMarkdown(safe), /⚠️|\n\n\n/);
  assert.match(
    renderPlanText(between({ rollout: 10 }, { rollout: { rollback: true } })),
    /\nDangers\n {2}! rollback:/,
  );
});

test('200 changes are all listed, and of 201 one is counted', () => {
  const cohorts = (n: number) =>
    Array.from({ length: n }, (_, i) => ({ name: `c${i}`, tags: ['t'], devices: [] }));
  const at = (n: number): string => renderPlanText(between({}, { cohorts: cohorts(n) }));
  assert.not.match(at(200), /and \d+ more/);
  assert.match(at(201), /… and 1 more\n/);
});

test('Markdown counts exactly the rows it leaves out, and keeps its limit with many short rows', () => {
  const cohorts = Array.from({ length: 400 }, (_, i) => ({ name: `c${i}`, tags: ['t'], devices: [] }));
  const many = between({}, { cohorts });
  for (const limit of [2_000, 5_000, 9_000, 12_345]) {
    const text = renderPlanMarkdown(many, { limit });
    assert.ok(text.length < limit, `${text.length} of ${limit}`);
    const rows = text.split('\n').filter(line => line.includes('cohorts/c')).length;
    const left = Number(/… and (\d+) more changes;/.exec(text)?.[1]);
    assert.is(rows + left, 400);
    assert.ok(text.length > limit - 200, 'what fits is shown');
  }
});

test('a ramp that begins later jumps to its first step when that is more than 25 points', () => {
  const startMs = NOW_MS + 5 * HOUR_MS;
  const jumps = (percent: number): string[] =>
    between({ rollout: 0 }, { rollout: { exposure: aRamp(startMs, [percent, 4], [100]) } })
      .dangers.filter(d => d.kind === 'percent_jump')
      .map(d => d.sentence);
  assert.equal(jumps(26)[0], 'step 1 of the ramp rises from 0 % to 26 % at once');
  assert.ok(jumps(25).every(s => !s.startsWith('step 1 ')));
});

test('each kind of danger comes from its own change', () => {
  const kinds = (base: StateParts, head: StateParts): string[] =>
    between(base, head).dangers.map(d => d.kind);
  const suspend = { reason: 'x', sinceMs: NOW_MS, untilMs: NOW_MS + HOUR_MS };
  assert.equal(kinds({ rollout: 10 }, { rollout: { suspend } }), ['suspend']);
  assert.equal(kinds({ rollout: 10 }, { rollout: 40 }), ['percent_jump']);
  assert.equal(kinds({ rollout: 10 }, { rollout: { wifiOnly: false } }), ['wifi_only_off']);
  assert.equal(kinds({ rollout: 10 }, { rollout: { minBatteryPercent: 29 } }), ['battery_lowered']);
  assert.equal(kinds({ rollout: 10 }, { rollout: { minBatteryPercent: 31 } }), []);
  assert.equal(kinds({}, { builds: [aBuild(41), aBuild(42)] }), []);
});

test('a withdrawal says what it takes away: the exposure, the way back, or nothing that is offered', () => {
  const withdrawn = { reason: 'crash', atMs: NOW_MS };
  const builds = [aBuild(40), aBuild(41), aBuild(42)];
  const told = (code: number): string | undefined =>
    between(
      { builds },
      { builds: builds.map(b => (b.versionCode === code ? { ...b, withdrawn } : b)) },
    ).dangers.find(d => d.kind === 'withdrawn')?.sentence;
  assert.match(told(42) ?? '', /^`b42` is withdrawn for good: it is current, so its exposure falls to 0$/);
  assert.match(told(41) ?? '', /^`b41` is withdrawn for good: it is last_safe, so devices outside/);
  assert.is(told(40), '`b40` is withdrawn for good');
});

test('a change of conditions alone is called that, and not the end of a suspend', () => {
  const first = (p: Plan): string | undefined => renderPlanText(p).split('\n')[0];
  assert.is(first(between({}, { rollout: { wifiOnly: false } })), 'Change how b42 is offered');
  const suspend = { reason: 'x', sinceMs: NOW_MS - HOUR_MS, untilMs: NOW_MS + HOUR_MS };
  assert.match(first(between({ rollout: { suspend } }, {})) ?? '', /^End the suspend/);
});

test('without a base only what is written is new', () => {
  const { changes } = plan(undefined, stand(), NOW_MS);
  assert.not.ok(changes.some(c => c.path === 'canary.devices'));
  assert.ok(changes.some(c => c.path === 'current' && c.before === undefined && c.after === 'b42'));
});

test('a forced downgrade that stands is no new danger, one to another build is', () => {
  const builds = [aBuild(40), aBuild(41), aBuild(42)];
  const to = (lastSafe: string) => ({
    builds,
    rollout: { lastSafe, rollback: true, forceDowngrade: true, reason: 'x' },
  });
  const forced = (p: Plan): boolean => p.dangers.some(d => d.kind === 'force_downgrade');
  assert.not.ok(forced(between(to('b41'), { ...to('b41'), rollout: { ...to('b41').rollout, reason: 'y' } })));
  assert.ok(forced(between(to('b41'), to('b40'))));
  assert.ok(forced(between({ builds }, to('b41'))));
});

test('canaries that come with another build are not said to widen those of the one before', () => {
  const builds = [aBuild(41), aBuild(42), aBuild(43)];
  const canary = { tags: ['qa'], devices: [], cohorts: [] };
  const kinds = (current: string): string[] =>
    between({ builds }, { builds, rollout: { current, canary } }).dangers.map(d => d.kind);
  assert.ok(kinds('b42').includes('canary_widened'));
  assert.not.ok(kinds('b43').includes('canary_widened'));
});

test('text of strangers is cut at 200 characters, and amounts beyond the largest unit keep that unit', () => {
  assert.is(singleLine('x'.repeat(200)), 'x'.repeat(200));
  assert.is(singleLine('x'.repeat(201)), `${'x'.repeat(199)}…`);
  assert.match(bytesText(4.2e18), /^\d+(\.\d)? [A-Z]B$/);
  assert.is(bytesText(0), '0 B');
});

test('text has its sections in order, each with its lines', () => {
  const ramp = between({ rollout: 0 }, { rollout: { exposure: aRamp(undefined, [1, 4], [100]) } });
  const text = renderPlanText(ramp, { fleet: countFleet(ramp, [device('a', 41)]) });
  const titles = ['Changes', 'Exposure', 'Fleet', 'Dangers', 'Undo'].filter(t =>
    text.includes(`\n\n${t}\n  `),
  );
  assert.equal(titles, ['Changes', 'Exposure', 'Fleet', 'Dangers', 'Undo']);
  assert.match(text, /\nUndo\n {2}git revert -m 1 <merge>\n {2}ota rollback --open-pr\n {2}\(/);
});

test.run();
