import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RESULT_REASONS } from '../../controller/domain/outcome.ts';
import { agentVectors } from '../support/agent/vectors.ts';

const file = JSON.parse(readFileSync('schemas/vectors/agent.json', 'utf8')) as ReturnType<
  typeof agentVectors
>;

test('schemas/vectors/agent.json contains what this agent decides', () =>
  assert.equal(file, JSON.parse(JSON.stringify(agentVectors()))));

test('the vectors hold what the contract says', () => {
  const waits = (name: string) => file.constraints.find(c => c.name === name)?.waits_for;
  assert.equal(waits('all is well'), []);
  assert.equal(waits('no Wi-Fi'), ['wifi']);
  assert.equal(waits('battery below the threshold'), ['battery']);
  assert.equal(waits('nothing can be read'), ['call', 'battery', 'wifi']);
  assert.equal(waits('deadline passed, no Wi-Fi'), []);
  assert.equal(waits('deadline passed, in a call'), ['call']);
  assert.equal(waits('deadline passed, battery low'), ['battery']);
  assert.equal(
    file.penalties.map(p => p.pause_s / 3600),
    [0, 0, 6, 12, 24, 24, 24],
  );
  assert.equal(
    file.urls.filter(u => u.allowed).map(u => u.url),
    ['https://ota.example.com/v1/agent/builds/b42/apk', 'https://OTA.example.com/a.apk'],
  );
});

test('the protocol page lists every reason that a result may have', () => {
  const page = readFileSync('docs/agent-protocol.md', 'utf8');
  const line = page.split('\n').find(l => l.startsWith('`reason` is one of a closed list:')) ?? '';
  assert.equal([...line.matchAll(/`([a-z0-9_]+)`/g)].map(m => m[1]).slice(1), [...RESULT_REASONS]);
});

test.run();
