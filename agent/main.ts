#!/usr/bin/env node
/** The entry point of `ota-agent`: the only file of the agent that touches the process. */
import { lossOf, outputTo } from '../controller/cli/output.ts';
import { VERSION } from '../controller/cli/version.ts';
import { conformVerb } from './cli/conform.ts';
import { fleetVerb } from './cli/fleet.ts';
import { EXIT, type Io } from './cli/io.ts';
import { run } from './cli/program.ts';
import { runVerb } from './cli/run.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
// If the reader closes the pipe, the agent stops. On a full disk only the lines are lost.
const lines = outputTo(process.stdout, () => interrupted.abort());
const notes = outputTo(process.stderr);
process.once('exit', () => {
  const loss = lossOf(lines);
  if (loss === undefined || process.exitCode !== EXIT.fine) return;
  notes.write(loss);
  process.exitCode = EXIT.error;
});

const colour = process.env.NO_COLOR === undefined && process.stderr.isTTY === true;
const io: Io = {
  out: lines.write,
  err: notes.write,
  environment: process.env,
  terminal: process.stderr.isTTY === true,
  colour,
  stdin: process.stdin,
  interrupted: interrupted.signal,
};
process.exitCode = await run(process.argv.slice(2), io, [runVerb, fleetVerb, conformVerb], VERSION);
