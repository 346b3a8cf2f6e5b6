/** The agent and the kit of version 0.1, unpacked from test/fixtures/agent-0.1/. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { withFolder } from '../folder.ts';

const PACKED = path.resolve(import.meta.dirname, '../../fixtures/agent-0.1/ota-agent.mjs.gz');

/** `program`: what Node is to run. */
export const withFormerAgent = (use: (program: readonly string[]) => Promise<void>): Promise<void> =>
  withFolder(async folder => {
    const file = path.join(folder, 'ota-agent.mjs');
    await writeFile(file, gunzipSync(await readFile(PACKED)));
    await use([file]);
  });
