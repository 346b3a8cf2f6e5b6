import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readKit } from '../../../agent/conform/agent/kit-folder.ts';
import { processAgent } from '../../../agent/conform/agent/process.ts';
import { agentChecks, checkAgent } from '../../../agent/conform/agent/run.ts';
import type { ApkKit } from '../../../agent/conform/agent/under-test.ts';
import { faultCode } from '../../../controller/domain/fault.ts';
import { makeKit } from '../../support/agent/apk-kit.ts';
import { ownAgent } from '../../support/agent/own-agent.ts';
import { withFolder } from '../../support/folder.ts';
import { agentProgram } from '../../support/programs.ts';

const kit = makeKit();

test('our own agent passes every check', async () => {
  const results = await checkAgent(ownAgent(), kit, { parallel: 12 });
  assert.equal(
    results.flatMap(r => (r.finding === undefined ? [] : [`${r.name}: ${r.finding}`])),
    [],
  );
  assert.is(results.length, agentChecks().length);
});

/** These kill or outlive the process, so that only a real one shows them. */
const IN_A_PROCESS = agentChecks()
  .map(check => check.name)
  .filter(name => /restart|kill|replacement|installs_what_is_offered|unknown/.test(name));

test('our own agent as a process survives real kills', async () => {
  const under = processAgent({
    command: `${process.execPath} ${agentProgram()} run --setup {setup}`,
    environment: { PATH: process.env.PATH },
    quietMs: 600,
    limitMs: 30_000,
    timeScale: 300,
  });
  const results = await checkAgent(under, kit, { parallel: 3, only: IN_A_PROCESS });
  assert.equal(
    results.flatMap(r => (r.finding === undefined ? [] : [`${r.name}: ${r.finding}`])),
    [],
  );
  assert.is(results.length, IN_A_PROCESS.length);
});

const write = async (folder: string, files: Partial<ApkKit>): Promise<void> => {
  const names: Record<string, string> = { otherPackage: 'other-package' };
  for (const [name, apk] of Object.entries(files))
    if (Buffer.isBuffer(apk)) await writeFile(path.join(folder, `${names[name] ?? name}.apk`), apk);
};

test('a kit is read from its folder and judged', () =>
  withFolder(async folder => {
    assert.is(await readKit(folder).then(() => 'read', faultCode), 'kit_incomplete');
    await write(folder, kit);
    assert.equal(await readKit(folder), kit);
    await write(folder, { foreign: kit.v42 });
    assert.is(await readKit(folder).then(() => 'read', faultCode), 'kit_wrong');
  }));

test.run();
