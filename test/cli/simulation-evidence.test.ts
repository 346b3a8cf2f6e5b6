/** The modelled evidence against a recount, device by device, that shares no code with it. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { countEvidence, Tally } from '../../controller/cli/simulation-evidence.ts';
import { makeFleet, STATE } from '../../controller/cli/simulation-fleet.ts';
import { TYPICAL } from '../../controller/cli/simulation-model.ts';

const of = { ...TYPICAL, fleet: { ...TYPICAL.fleet, devices: 40, canaries: 3 } };
const SILENT_AFTER = 18;

const deviceFacts = fc.record({
  state: fc.integer({ min: 0, max: 4 }),
  takenAgo: fc.integer({ min: 0, max: 60 }),
  seenAgo: fc.integer({ min: 0, max: 60 }),
  followed: fc.boolean(),
  deferred: fc.boolean(),
});

test('counts of a look are those of its devices, one row a device', () => {
  fc.assert(
    fc.property(
      fc.array(deviceFacts, { minLength: 43, maxLength: 43 }),
      fc.integer({ min: 0, max: 5 }),
      (devices, step) => {
        const up = 30;
        const fleet = makeFleet(of, 1);
        const tally = new Tally(of.ramp.steps.length);
        for (const [i, d] of devices.entries()) {
          fleet.lastSeen[i] = up - d.seenAgo;
          fleet.deferred[i] = d.deferred ? 1 : 0;
          fleet.state[i] = d.state;
          if (d.state === STATE.none) continue;
          fleet.takenAt[i] = up - d.takenAgo;
          tally.add(fleet, i, 'taken', 1);
          if (d.state === STATE.ok) tally.add(fleet, i, 'ok', 1);
          if (d.state === STATE.fail) tally.add(fleet, i, 'fail', 1);
          if (d.state === STATE.verifyFail) tally.add(fleet, i, 'verifyFail', 1);
          if (d.followed) tally.add(fleet, i, 'followed', 1);
        }
        const evidence = countEvidence(of, fleet, tally, step, up);
        const end = fleet.ends[step] ?? 0;
        const from = step === 0 ? 0 : (fleet.ends[step - 1] ?? 0);
        const count = (a: number, b: number, is: (d: (typeof devices)[number]) => boolean): number =>
          devices.slice(a, b).filter(is).length;
        const took = (d: (typeof devices)[number]): boolean => d.state !== STATE.none;
        const quiet = (d: (typeof devices)[number]): boolean => d.seenAgo > SILENT_AFTER;
        assert.is(evidence.cohort.taken, count(0, 40, took));
        assert.is(evidence.step.taken, count(from, end, took));
        assert.is(
          evidence.step.ok,
          count(from, end, d => d.state === STATE.ok),
        );
        assert.is(
          evidence.cohort.fail,
          count(0, 40, d => d.state === STATE.fail),
        );
        assert.is(
          evidence.cohort.verifyFail,
          count(0, 40, d => d.state === STATE.verifyFail),
        );
        assert.is(
          evidence.step.followed,
          count(from, end, d => took(d) && d.followed),
        );
        assert.is(
          evidence.step.open,
          count(from, end, d => !took(d) && !quiet(d) && !d.deferred),
        );
        assert.is(
          evidence.cohort.open,
          count(0, end, d => !took(d) && !quiet(d) && !d.deferred),
        );
        assert.is(
          evidence.step.deferred,
          count(from, end, d => !took(d) && !quiet(d) && d.deferred),
        );
        const longAgo = (d: (typeof devices)[number]): boolean => took(d) && d.takenAgo >= SILENT_AFTER;
        assert.is(evidence.cohort.takenLongAgo, count(0, end, longAgo));
        assert.is(
          evidence.cohort.silent,
          count(0, end, d => longAgo(d) && quiet(d)),
        );
        assert.is(evidence.canary.taken, count(40, 43, took));
        // The ramp began 30 h ago: whoever was seen later than 18 h before that was alive then.
        assert.is(
          evidence.control.devices,
          count(end, 40, d => d.seenAgo <= 30 + SILENT_AFTER),
        );
        assert.is(
          evidence.control.silent,
          count(end, 40, d => d.seenAgo <= 30 + SILENT_AFTER && quiet(d)),
        );
      },
    ),
  );
});

test.run();
