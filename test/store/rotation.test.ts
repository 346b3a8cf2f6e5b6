import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DeviceAuth } from '../../controller/ports/index.ts';
import { withFolder } from '../support/folder.ts';
import { NOW_MS } from '../support/state.ts';
import { openTestStore } from '../support/store.ts';

const GRACE_MS = 100;

type Step =
  | 'rotate'
  | 'force'
  | 'confirm'
  | 'confirm old'
  | 'wait'
  | 'revoke'
  | 'erase'
  | 'enrol'
  | 'restart';
const step = (value: Step, weight: number) => ({ arbitrary: fc.constant(value), weight });
/** Mostly what happens to a living device: a dead one has little to say. */
const steps = fc.array(
  fc.oneof(
    step('rotate', 6),
    step('confirm', 6),
    step('wait', 3),
    step('restart', 3),
    step('force', 2),
    step('confirm old', 2),
    step('enrol', 2),
    step('erase', 1),
    step('revoke', 1),
  ),
  { minLength: 8, maxLength: 25, size: 'max' },
);

/** The rules of SPEC §6 said a second time, without a store. */
interface Model {
  generation: number;
  graceUntilMs: number;
  state: 'absent' | 'live' | 'revoked';
}

function advance(model: Model, step: Step, nowMs: number): void {
  const graced = model.graceUntilMs > nowMs;
  if (step === 'enrol' && model.state === 'absent') {
    model.state = 'live';
    model.generation += 1;
  }
  if (step === 'erase' && model.state !== 'absent') {
    model.state = 'absent';
    model.graceUntilMs = 0;
  }
  if (step === 'confirm') model.graceUntilMs = 0;
  if (model.state !== 'live') return;
  if (step === 'revoke') model.state = 'revoked';
  if (step === 'force' || (step === 'rotate' && !graced)) {
    model.generation += 1;
    model.graceUntilMs = step === 'force' ? 0 : nowMs + GRACE_MS;
  }
}

/** Which generations a token check lets in. */
function accepted(auth: DeviceAuth | undefined, nowMs: number): number[] {
  if (auth === undefined || auth.revoked) return [];
  return auth.previousUntilMs > nowMs ? [auth.generation - 1, auth.generation] : [auth.generation];
}

function expected(model: Model, nowMs: number): number[] {
  if (model.state !== 'live') return [];
  return model.graceUntilMs > nowMs ? [model.generation - 1, model.generation] : [model.generation];
}

async function run(sequence: readonly Step[]): Promise<void> {
  await withFolder(async folder => {
    let now = NOW_MS;
    const open = () => openTestStore({ folder, nowMs: () => now });
    let store = await open();
    const model: Model = { generation: 0, graceUntilMs: 0, state: 'absent' };
    const retired = new Set<number>();
    try {
      for (const step of ['enrol' as const, ...sequence]) {
        advance(model, step, now);
        if (step === 'enrol') await store.devices.enrol([{ deviceId: 'd', tags: [] }], now);
        if (step === 'rotate') await store.devices.rotate('d', now + GRACE_MS);
        if (step === 'force') await store.devices.rotate('d', 0);
        if (step === 'confirm') store.devices.confirmGeneration('d', model.generation);
        if (step === 'confirm old') store.devices.confirmGeneration('d', model.generation - 1);
        if (step === 'wait') now += GRACE_MS;
        if (step === 'revoke') await store.devices.revoke('d', now);
        if (step === 'erase') await store.devices.erase('d');
        if (step === 'restart') {
          await store.close();
          store = await open();
        }
        const lets = accepted(store.devices.auth('d'), now);
        assert.equal(lets, expected(model, now), step);
        for (const generation of lets)
          assert.not(retired.has(generation), `generation ${generation} came back`);
        for (let old = 1; old <= model.generation; old += 1) if (!lets.includes(old)) retired.add(old);
      }
    } finally {
      await store.close();
    }
  });
}

test('whatever is rotated, revoked, restarted or readmitted: at most two generations are valid and none comes back', () =>
  fc.assert(fc.asyncProperty(steps, run), { numRuns: 40 }));

test.run();
