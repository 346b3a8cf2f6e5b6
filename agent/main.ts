#!/usr/bin/env node
/** The entry point of `ota-agent`: the only file of the agent that touches the process. */
import { readFileSync } from 'node:fs';
import { conformVerb } from './cli/conform.ts';
import { fleetVerb } from './cli/fleet.ts';
import type { Io } from './cli/io.ts';
import { run } from './cli/program.ts';
import { runVerb } from './cli/run.ts';

/** From sources it lies one folder up, from dist two. */
function version(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string }).version;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  return 'unknown';
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
// A reader that has gone away ends a pipe; that is no error of ours.
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
process.exitCode = await run(process.argv.slice(2), io, [runVerb, fleetVerb, conformVerb], version());
