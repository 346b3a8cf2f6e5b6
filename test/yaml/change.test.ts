import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { nearest } from '../../controller/domain/nearest.ts';
import type { DesiredState } from '../../controller/domain/release.ts';
import {
  type Change,
  type ChangeResult,
  changeReleases,
  type EditInput,
} from '../../controller/yaml/change/index.ts';
import type { WireRollout } from '../../controller/yaml/wire.ts';
import { rolloutYaml } from '../support/releases.ts';
import { aBuild, aRamp, aState, NOW_MS } from '../support/state.ts';

const builds = [aBuild(40), aBuild(41), aBuild(42), aBuild(43)];
const standing = (state: DesiredState, percent: number): EditInput => ({
  rollout: state.rollout,
  merged: { rollout: state.rollout, percent },
  builds: state.builds,
  cohorts: state.cohorts,
  wire: parse(rolloutYaml(state.rollout)) as WireRollout,
  policy: undefined,
});
const promote = (over: Partial<Change & { kind: 'promote' }> = {}): Change => ({
  kind: 'promote',
  buildId: 'b43',
  exposure: { percent: 10 },
  cohortSeed: 'b43-7',
  ...over,
});

function accepted(result: ChangeResult) {
  if (!result.ok) throw new Error(`refused: ${result.code} ${result.message}`);
  const [edit] = result.edits;
  if (edit?.file !== 'rollout.yaml') throw new Error('rollout.yaml is not edited');
  return { ...result, fields: edit.fields };
}
function refused(result: ChangeResult) {
  if (result.ok) throw new Error(`accepted: ${result.title}`);
  return result;
}

test('promote fills last_safe from what is fully rolled out', () => {
  const result = accepted(changeReleases(standing(aState({ builds, rollout: 100 }), 100), promote()));
  assert.equal(result.fields, {
    current: 'b43',
    last_safe: 'b42',
    rollout_percent: 10,
    ramp: undefined,
    cohort_seed: 'b43-7',
    reason: undefined,
  });
  assert.is(result.title, 'promote b43 to 10 %');
});

test('promote keeps last_safe while the build before is only partly out', () => {
  assert.is(
    accepted(changeReleases(standing(aState({ builds, rollout: 50 }), 50), promote())).fields.last_safe,
    'b41',
  );
});

test('promote after a rollback ends rollback and force_downgrade and never trusts what was rolled back', () => {
  const state = aState({
    builds,
    rollout: {
      rollback: true,
      forceDowngrade: true,
      reason: 'crash',
      exposure: { kind: 'percent', percent: 100 },
    },
  });
  const { fields } = accepted(changeReleases(standing(state, 0), promote({ reason: 'fixed' })));
  assert.is(fields.last_safe, 'b41');
  assert.is(fields.rollback, false);
  assert.is(fields.force_downgrade, false);
  assert.is(fields.reason, 'fixed');
});

test('promote replaces a ramp, says so, and tells what it leaves standing', () => {
  const suspend = { reason: 'r', sinceMs: NOW_MS, untilMs: NOW_MS + 1 };
  const state = aState({
    builds,
    rollout: { exposure: aRamp(NOW_MS, [1, 4], [100]), mustInstall: true, suspend },
  });
  const { notes, fields } = accepted(changeReleases(standing(state, 1), promote()));
  assert.ok('ramp' in fields && fields.ramp === undefined);
  assert.match(notes.join('\n'), /must_install.*\n.*ramp is replaced.*\n.*suspend/);
});

test('promoting the standing build again keeps its last_safe', () => {
  const state = aState({
    builds,
    rollout: { cohortSeed: 'b42-3', exposure: { kind: 'percent', percent: 100 } },
  });
  const { fields } = accepted(changeReleases(standing(state, 100), promote({ buildId: 'b42' })));
  assert.is(fields.last_safe, 'b41');
});

test('a withdrawn build is neither promoted nor trusted as last_safe', () => {
  const withdrawn = { reason: 'crash loop', atMs: NOW_MS };
  const state = aState({ builds: [aBuild(41), aBuild(42, { withdrawn }), aBuild(43)], rollout: 100 });
  assert.is(accepted(changeReleases(standing(state, 100), promote())).fields.last_safe, 'b41');
  assert.is(
    refused(changeReleases(standing(state, 100), promote({ buildId: 'b42' }))).code,
    'promotes_withdrawn',
  );
});

test('a build that is not declared is refused with what was meant', () => {
  const named = aState({ builds: [aBuild(41), aBuild(42), aBuild(43, { buildId: 'release-43' })] });
  const result = refused(changeReleases(standing(named, 10), promote({ buildId: 'relaese-43' })));
  assert.is(result.code, 'unknown_build');
  assert.match(result.hint ?? '', /did you mean release-43\?/);
  const many = refused(changeReleases(standing(aState({ builds }), 10), promote({ buildId: 'b44' })));
  assert.is(many.hint, 'declared builds: b40, b41, b42, b43');
});

test('promoting backwards points to rollback', () => {
  const full = standing(aState({ builds, rollout: 100 }), 100);
  const older = refused(changeReleases(full, promote({ buildId: 'b41' })));
  assert.is(older.code, 'current_older');
  assert.match(older.hint ?? '', /ota rollback --to b41/);
  const safe = refused(
    changeReleases(standing(aState({ builds, rollout: 10 }), 10), promote({ buildId: 'b41' })),
  );
  assert.is(safe.code, 'last_safe_is_current');
});

test('a partial promotion without any known last_safe asks for it', () => {
  const state = aState({
    builds,
    rollout: { lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } },
  });
  const partial = refused(changeReleases(standing(state, 100), promote({ buildId: 'b42' })));
  assert.is(partial.code, 'last_safe_missing');
  assert.is(
    accepted(changeReleases(standing(state, 100), promote({ buildId: 'b42', lastSafe: 'b41' }))).fields
      .last_safe,
    'b41',
  );
});

test('rollout changes the percent alone, and is refused where it would say nothing', () => {
  const change: Change = { kind: 'rollout', percent: 50 };
  assert.equal(accepted(changeReleases(standing(aState({ builds }), 10), change)).fields, {
    rollout_percent: 50,
    ramp: undefined,
  });
  const back = refused(changeReleases(standing(aState({ builds, rollout: { rollback: true } }), 0), change));
  assert.is(back.code, 'rolled_back');
  assert.match(back.hint ?? '', /ota promote b42 --percent 50/);
});

test('rollback serves last_safe to all and drops the reason of the promotion', () => {
  const result = accepted(
    changeReleases(standing(aState({ builds, rollout: { reason: 'new' } }), 10), {
      kind: 'rollback',
      forceDowngrade: false,
    }),
  );
  assert.equal(result.fields, { last_safe: 'b41', rollback: true, reason: undefined });
  assert.is(result.title, 'roll b42 back to b41');
});

test('rollback --to names another build, but not itself, a newer, a withdrawn or an unknown one', () => {
  const withdrawn = { reason: 'bad', atMs: NOW_MS };
  const state = aState({ builds: [aBuild(39, { withdrawn }), ...builds] });
  const to = (id: string) =>
    changeReleases(standing(state, 10), { kind: 'rollback', to: id, forceDowngrade: false });
  assert.is(accepted(to('b40')).fields.last_safe, 'b40');
  assert.is(refused(to('b42')).code, 'last_safe_is_current');
  assert.is(refused(to('b43')).code, 'current_older');
  assert.is(refused(to('b39')).code, 'promotes_withdrawn');
  assert.is(refused(to('nope')).code, 'unknown_build');
});

test('a rollback that is in force already changes nothing, including its reason', () => {
  const state = aState({ builds, rollout: { rollback: true, reason: 'crash' } });
  const { fields } = accepted(
    changeReleases(standing(state, 0), { kind: 'rollback', forceDowngrade: false }),
  );
  assert.equal(fields, { last_safe: 'b41', rollback: true });
});

test('widening by promoting the standing build again keeps its reason', () => {
  const state = aState({ builds, rollout: { reason: 'Wi-Fi fix' } });
  const { fields } = accepted(
    changeReleases(standing(state, 10), promote({ buildId: 'b42', exposure: { percent: 50 } })),
  );
  assert.not.ok('reason' in fields);
});

test('force_downgrade needs a reason', () => {
  const at = standing(aState({ builds }), 10);
  assert.is(
    refused(changeReleases(at, { kind: 'rollback', forceDowngrade: true })).code,
    'force_downgrade_reason',
  );
  const { fields } = accepted(
    changeReleases(at, { kind: 'rollback', forceDowngrade: true, reason: 'data loss' }),
  );
  assert.is(fields.force_downgrade, true);
  assert.is(fields.reason, 'data loss');
});

test('did you mean: near words only', () => {
  assert.is(nearest('promot', ['promote', 'plan']), 'promote');
  assert.is(nearest('b4', ['b42', 'xyz']), 'b42');
  assert.is(nearest('elephant', ['b42', 'plan']), undefined);
});

test.run();
