/** Every alert fires in a story of its own; `promtool` judges where it is installed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { makeObserver } from '../../controller/observe/observe.ts';

const folder = path.resolve(import.meta.dirname, '../../deploy/prometheus');
const read = (file: string) => parse(readFileSync(path.join(folder, file), 'utf8'));

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}
interface Stories {
  readonly tests: readonly {
    readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: unknown[] }[];
  }[];
}
const rules = (read('rules.yaml') as Rules).groups.flatMap(g => g.rules);

test('each alert has a story in which it fires and one in which it does not', () => {
  const told = (read('rules.test.yaml') as Stories).tests.flatMap(t => t.alert_rule_test);
  for (const { alert } of rules) {
    const stories = told.filter(t => t.alertname === alert);
    assert.ok(
      stories.some(s => s.exp_alerts.length > 0),
      `${alert} never fires`,
    );
    assert.ok(
      stories.some(s => s.exp_alerts.length === 0),
      `${alert} is never silent`,
    );
  }
});

test('alerts ask for metrics that exist', async () => {
  const observer = makeObserver({ level: 'silent', destination: { write: () => undefined } });
  const { body } = await observer.metrics();
  const known = new Set([...body.matchAll(/^# TYPE (\S+) /gm)].map(m => m[1]));
  for (const { alert, expr } of rules)
    for (const [name] of expr.matchAll(/\bota_[a-z_]+/g)) assert.ok(known.has(name), `${alert}: ${name}`);
});

const promtool = spawnSync('promtool', ['--version']).error === undefined;
(promtool ? test : test.skip)('promtool: the rules are valid and every story comes out as told', () => {
  for (const args of [
    ['check', 'rules', 'rules.yaml'],
    ['test', 'rules', 'rules.test.yaml'],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
    assert.is(status, 0, stdout + stderr);
  }
});

test.run();
