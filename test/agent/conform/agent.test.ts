import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agentChecks, type CheckResult, checkAgent } from '../../../agent/conform/agent/run.ts';
import { makeKit } from '../../support/agent/apk-kit.ts';
import { FLAWS, type Flaw, naiveAgent } from '../../support/agent/naive-agent.ts';

const kit = makeKit();
const findings = (results: readonly { name: string; finding: string | undefined }[]) =>
  results.flatMap(r => (r.finding === undefined ? [] : [`${r.name}: ${r.finding}`]));

test('a right agent passes every check', async () => {
  const results = await checkAgent(naiveAgent(), kit, { parallel: 8 });
  assert.equal(findings(results), []);
  assert.is(results.length, agentChecks().length);
});

test('names of checks are unique, and each flaw names one that exists', () => {
  const names = agentChecks().map(check => check.name);
  assert.is(new Set(names).size, names.length);
  for (const check of Object.values(FLAWS)) assert.ok(names.includes(check), check);
});

/** Five broken agents at a time: a check waits far more than it works. */
const flaws = Object.keys(FLAWS) as Flaw[];
const queue = [...flaws];
const caught = new Map<Flaw, Promise<CheckResult[]>>();
let running: Promise<unknown> = Promise.resolve();
for (let from = 0; from < queue.length; from += 5) {
  const before = running;
  const batch = queue.slice(from, from + 5).map(flaw => {
    const results = before.then(() => checkAgent(naiveAgent(flaw), kit, { parallel: 16 }));
    caught.set(flaw, results);
    return results;
  });
  running = Promise.all(batch);
}

for (const flaw of flaws)
  test(`an agent that ${flaw.replaceAll('_', ' ')} is caught by exactly ${FLAWS[flaw]}`, async () => {
    const results = (await caught.get(flaw)) ?? [];
    assert.equal(
      results.filter(r => r.finding !== undefined).map(r => r.name),
      [FLAWS[flaw]],
      findings(results).join('\n'),
    );
  });

test('every check has a broken agent that it catches', () => {
  const needed = agentChecks().map(check => check.name);
  assert.equal(
    needed.filter(name => !(Object.values(FLAWS) as string[]).includes(name)),
    [],
  );
});

test.run();
