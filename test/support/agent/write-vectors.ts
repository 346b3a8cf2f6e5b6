/**
 * Writes `schemas/vectors/agent.json` and `agent-states.json`: what agents in other languages must decide alike, as
 * data. Tests hold the files to the code. The difference that a run makes is a change of the protocol: read it.
 *
 * `node --import tsx test/support/agent/write-vectors.ts`
 */
import { writeFile } from 'node:fs/promises';
import { stateTable } from './states/table.ts';
import { agentVectors } from './vectors.ts';

const FOLDER = 'schemas/vectors';

await writeFile(`${FOLDER}/agent.json`, `${JSON.stringify(agentVectors(), null, 2)}\n`);
await writeFile(`${FOLDER}/agent-states.json`, stateTable());
