#!/usr/bin/env node
/** The entry point of `ota-agent`: the only file of the agent that touches the process. */
import { VERSION } from '../controller/cli/version.ts';
import { conformVerb } from './cli/conform.ts';
import { fleetVerb } from './cli/fleet.ts';
import type { Io } from './cli/io.ts';
import { run } from './cli/program.ts';
import { runVerb } from './cli/run.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
// A reader that goes away ends the pipe; the agent then stops.
process.stdout.on('error', error => {
  if ('code' in error && error.code === 'EPIPE') interrupted.abort();
  else throw error;
});

const colour = process.env.NO_COLOR === undefined && process.stderr.isTTY === true;
const io: Io = {
  out: text => void process.stdout.write(text),
  err: text => void process.stderr.write(text),
  environment: process.env,
  terminal: process.stderr.isTTY === true,
  colour,
  stdin: process.stdin,
  interrupted: interrupted.signal,
};
process.exitCode = await run(process.argv.slice(2), io, [runVerb, fleetVerb, conformVerb], VERSION);
