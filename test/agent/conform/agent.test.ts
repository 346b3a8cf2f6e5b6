/** The kit against agents that are wrong: each check names the one it catches, and catches it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agentChecks, type CheckResult, checkAgent } from '../../../agent/conform/agent/run.ts';
import type { AgentUnderTest } from '../../../agent/conform/agent/under-test.ts';
import { makeKit } from '../../support/agent/apk-kit.ts';
import { FLAWS, type Flaw, naiveAgent } from '../../support/agent/naive-agent.ts';
import { ownAgent, type Wrong } from '../../support/agent/own-agent.ts';
import { WRONG_AGENTS } from '../../support/agent/wrong-agents.ts';
import { WRONG_IN_STATES } from '../../support/agent/wrong-states.ts';

const kit = makeKit();
const checks = agentChecks();
const flaws = Object.keys(FLAWS) as Flaw[];
const wrongs: Readonly<Record<string, Wrong>> = { ...WRONG_AGENTS, ...WRONG_IN_STATES };

const findings = (results: readonly CheckResult[]) =>
  results.flatMap(r => (r.finding === undefined ? [] : [`${r.name}: ${r.finding}`]));

/** Some at a time: a check waits far more than it works, and a machine that is swamped shows nothing. */
function staggered<T>(jobs: readonly (() => Promise<T>)[], width: number): Promise<T>[] {
  const ends: ((value: T | Promise<T>) => void)[] = [];
  const promises = jobs.map(
    (_, n) =>
      new Promise<T>(resolve => {
        ends[n] = resolve;
      }),
  );
  let next = 0;
  const worker = async () => {
    for (let n = next++; n < jobs.length; n = next++) {
      const job = jobs[n]?.();
      if (job === undefined) continue;
      ends[n]?.(job);
      await job.catch(() => undefined);
    }
  };
  for (let n = 0; n < width; n++) void worker();
  return promises;
}

test('names of checks are unique, and each names a wrong agent of its own', () => {
  const names = checks.map(check => check.name);
  assert.is(new Set(names).size, names.length);
  const caught = checks.map(check => check.catches);
  assert.is(new Set(caught).size, caught.length);
  assert.equal([...caught].sort(), [...flaws, ...Object.keys(wrongs)].sort());
});

test('a straightforward agent of other hands passes the checks of the basics', async () => {
  const basics = checks.filter(check => (flaws as string[]).includes(check.catches)).map(check => check.name);
  const results = await checkAgent(naiveAgent(), kit, { parallel: 8, only: basics });
  assert.equal(findings(results), []);
  assert.is(results.length, basics.length);
});

const agents: [string, AgentUnderTest][] = [
  ...flaws.map((flaw): [string, AgentUnderTest] => [flaw, naiveAgent(flaw)]),
  ...Object.entries(wrongs).map(([name, wrong]): [string, AgentUnderTest] => [name, ownAgent(wrong)]),
];
const results = staggered(
  agents.map(([name, agent]) => () => {
    const only = checks.filter(check => check.catches === name).map(check => check.name);
    return checkAgent(agent, kit, { only });
  }),
  8,
);

agents.forEach(([name], n) => {
  const check = checks.find(c => c.catches === name)?.name;
  test(`an agent that ${name.replaceAll('_', ' ')} is caught by ${check}`, async () => {
    const [result] = (await results[n]) ?? [];
    assert.is.not(result?.finding, undefined);
  });
});

/** One agent that is wrong in all these ways at once. */
function together(parts: readonly Wrong[]): Wrong {
  const step: NonNullable<Wrong['step']> = right =>
    parts.reduce((judge, part) => part.step?.(judge) ?? judge, right);
  const credentials: NonNullable<Wrong['credentials']> = right =>
    parts.reduce((kept, part) => part.credentials?.(kept) ?? kept, right);
  return { step, credentials };
}

test('an agent that is wrong in twelve ways at once fails at least twelve checks', async () => {
  const twelve = [
    WRONG_AGENTS.trusts_the_manifests_lineage,
    WRONG_AGENTS.ignores_min_sdk,
    WRONG_AGENTS.lets_deadlines_override_the_battery,
    WRONG_AGENTS.lets_must_install_override_wifi,
    WRONG_AGENTS.downloads_without_wifi,
    WRONG_AGENTS.hides_its_deferrals,
    WRONG_AGENTS.installs_another_build_than_confirmed,
    WRONG_AGENTS.leaves_nudges_unanswered,
    WRONG_AGENTS.forgets_results_at_restart,
    WRONG_AGENTS.hammers_after_errors,
    WRONG_AGENTS.never_renews,
    WRONG_AGENTS.forgets_to_poll,
  ];
  const found = findings(await checkAgent(ownAgent(together(twelve)), kit, { parallel: 8 }));
  assert.ok(found.length >= 12, `${found.length} of ${checks.length}:\n${found.join('\n')}`);
});

test.run();
