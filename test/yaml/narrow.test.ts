import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { narrowRollout } from '../../controller/yaml/narrow.ts';
import { aBuild, aHalt, aRamp, aState } from '../support/state.ts';

const percent = (of: number) => ({ exposure: { kind: 'percent', percent: of } as const });
const LAB = { canary: { tags: ['lab'], devices: [], cohorts: [] } };
const TEXT = `# ours
apiVersion: ota.nexmdm/v1
kind: Rollout
current: b42
last_safe: b41
ramp:
  steps: [{percent: 10, hold: 4h}, {percent: 100}]
canary: {tags: [lab]} # the lab
`;
const state = aState({ rollout: { exposure: aRamp(undefined, [10, 4], [100]), ...LAB } });

test('a halt in YAML: 0 % or rollback, with the reason; comments and canaries stay', () => {
  const said = narrowRollout(TEXT, state, aHalt());
  assert.is(
    said.kind === 'edit' && said.text,
    `# ours
apiVersion: ota.nexmdm/v1
kind: Rollout
current: b42
last_safe: b41
rollout_percent: 0
canary: {tags: [lab]} # the lab
reason: "the gate was breached: install_failures"
`,
  );
  const back = narrowRollout(TEXT, state, aHalt({ mode: 'rollback' }));
  assert.match(back.kind === 'edit' ? back.text : '', /^rollback: true$/m);
  const hand = aHalt({ kind: 'hand', by: 'admin:ruth', reason: 'reboots\n\u0000 in the: lobby' });
  const braked = narrowRollout(TEXT, state, hand);
  assert.match(
    braked.kind === 'edit' ? braked.text : '',
    /^reason: .*braked by admin:ruth: reboots .* in the: lobby/m,
  );
});

test('a rollback whose last_safe is withdrawn is 0 % instead', () => {
  const builds = [aBuild(41, { withdrawn: { reason: 'x', atMs: 0 } }), aBuild(42)];
  const said = narrowRollout(TEXT, aState({ rollout: state.rollout, builds }), aHalt({ mode: 'rollback' }));
  assert.match(said.kind === 'edit' ? said.text : '', /^rollout_percent: 0$/m);
});

test('a rollout that is as narrow already, or of another build, needs no edit', () => {
  for (const [rollout, kind] of [
    [percent(0), 'said'],
    [{ rollback: true }, 'said'],
    [{ current: 'b41', lastSafe: undefined, ...percent(100) }, 'elsewhere'],
  ] as const)
    assert.is(narrowRollout(TEXT, aState({ rollout }), aHalt()).kind, kind);
});

test.run();
