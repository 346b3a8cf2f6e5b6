import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Decision,
  decide,
  makeSnapshot,
  type Target,
  targetFor,
} from '../../controller/domain/decision.ts';
import { servedProgress } from '../support/state.ts';
import { caseInMemory, type DecisionCase, decisionVectors } from '../support/vectors.ts';

const { builds, cases } = decisionVectors();

function asWire(decision: Decision, target: Target): DecisionCase['expect'] {
  const download = target.kind === 'target' ? target.build.buildId : null;
  if (decision.kind === 'hold') return { decision: 'hold', reason: decision.reason, download };
  return {
    decision: 'offer',
    build_id: decision.build.buildId,
    eligible_by: decision.eligibleBy,
    force_downgrade: decision.forceDowngrade,
    staged_rollout_percent: decision.stagedRolloutPercent,
    signer_fingerprint: decision.signerFingerprint,
    must_install: decision.mustInstall,
    download,
  };
}

for (const c of cases)
  test(`decision vector: ${c.name}`, () => {
    const { state, startMs, missingArtifacts, device, nowMs } = caseInMemory(c, builds);
    const snapshot = makeSnapshot(state, {
      revision: 'vector',
      appliedAtMs: startMs,
      progress: servedProgress(state.rollout, startMs, nowMs),
      missingArtifacts,
    });
    assert.equal(asWire(decide(snapshot, device, nowMs), targetFor(snapshot, device, nowMs)), c.expect);
  });

test('at least 120 cases were written by hand', () => {
  assert.ok(cases.filter(c => !c.name.startsWith('sample ')).length >= 120);
});

test('the files are what the second formulation makes of them', () => {
  const script = path.resolve(import.meta.dirname, '../../scripts/vectors/make.py');
  const made = spawnSync('python3', ['-B', script, '--check'], { encoding: 'utf8', timeout: 60_000 });
  assert.is(made.status, 0, made.stderr);
});

test.run();
