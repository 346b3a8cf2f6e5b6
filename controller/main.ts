/** The controller as a process: environment, signals, exit codes. */
import { closeSync } from 'node:fs';
import { hostname } from 'node:os';
import { isatty } from 'node:tty';
import { VERSION } from './cli/version.ts';
import { type Controller, startController } from './compose/controller.ts';
import { Fault } from './domain/fault.ts';
import { makeObserver } from './observe/observe.ts';
import { type Pretty, prettyLines } from './observe/pretty.ts';
import { readSettings } from './settings/read.ts';
import type { Settings } from './settings/settings.ts';

/** sysexits.h: starting again may help (EX_TEMPFAIL). Also used by service managers that read no text. */
const EXIT_AGAIN = 75;
/** A wrong setting, a lost key or a newer database: a restart would not help. */
const EXIT_NEVER = 2;

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const observer = makeObserver({ level: settings.OTA_LOG_LEVEL, pretty: await prettyOf(settings) });
  const starting = startController(settings, {
    environment: process.env,
    observer,
    wallMs: Date.now,
    monotonicMs: () => performance.now(),
    random: Math.random,
    version: VERSION,
    host: hostname(),
    // It might offer what another controller has stopped. After a restart it follows that one.
    overtaken: code => stop('overtaken', code === 'installation_moved' ? EXIT_NEVER : EXIT_AGAIN),
  });
  const stop = followSignals(starting);
  const { adminTokenFile } = await starting;
  if (adminTokenFile !== undefined)
    process.stderr.write(
      `The first operator's token is in ${adminTokenFile}: put it into OTA_ADMIN_TOKEN.\n`,
    );
}

/** Undefined where lines stay JSON. */
function prettyOf({ OTA_LOG_FORMAT: format }: Settings): Promise<Pretty> | undefined {
  const terminal = process.stdout.isTTY === true;
  const asked = format === 'auto' ? terminal : format === 'pretty';
  return asked ? prettyLines(terminal && process.env.NO_COLOR === undefined) : undefined;
}

type Stop = (reason: string, exitCode?: number) => void;

/** Listens from the first moment: a signal during the start takes effect once the controller has started. */
function followSignals(starting: Promise<Controller>): Stop {
  let stopping = false;
  // Ask now: a stream that is gone is no longer reported as a terminal.
  const terminals = [0, 1, 2].filter(isatty);
  const stop: Stop = (signal, exitCode = 0) => {
    if (stopping && signal === 'overtaken') return;
    if (stopping) process.exit(1);
    stopping = true;
    starting.then(
      controller =>
        controller.stop(signal).then(
          () => {
            // Node restores the state of terminals at its end, and aborts if one is gone.
            if (signal === 'SIGHUP') for (const terminal of terminals) closeSync(terminal);
            process.exit(exitCode);
          },
          () => process.exit(exitCode === 0 ? 1 : exitCode),
        ),
      () => undefined, // the start failed, and says so itself
    );
  };
  endWithNpm(stop);
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('SIGTERM', () => stop('SIGTERM'));
  // For a service this signal means reload; in a terminal it means that the terminal is gone.
  process.on('SIGHUP', () => {
    if (terminals.includes(0)) stop('SIGHUP');
    else
      starting.then(
        controller => controller.reload() || stop('SIGHUP'),
        () => undefined, // the start failed, and says so itself
      );
  });
  return stop;
}

/** If `npm start` is killed outright, it passes no signal on. Its child must not keep the port and the data folder. */
function endWithNpm(stop: (signal: string) => void): void {
  if (process.env.npm_lifecycle_event !== 'start') return;
  const npm = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === npm) return;
    clearInterval(look);
    stop('npm_gone');
  }, 500);
  look.unref();
}

// A failed write to standard error must not end the process.
process.stderr.on('error', () => undefined);
try {
  await main();
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  process.stderr.write(`ota-controller: ${error.message} [${error.code}]\n`);
  process.exit(error.retry === 'never' ? EXIT_NEVER : EXIT_AGAIN);
}
