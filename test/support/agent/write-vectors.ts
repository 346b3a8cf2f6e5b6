/**
 * Writes `schemas/vectors/agent.json`: what agents in other languages must decide alike, as data. A test holds the file
 * to the code. `node --import tsx test/support/agent/write-vectors.ts`
 */
import { writeFile } from 'node:fs/promises';
import { agentVectors } from './vectors.ts';

await writeFile('schemas/vectors/agent.json', `${JSON.stringify(agentVectors(), null, 2)}\n`);
