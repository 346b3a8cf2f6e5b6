/** The controller as a process: environment, signals, exit codes. */
import { readFileSync } from 'node:fs';
import { startController } from './compose/controller.ts';
import { Fault } from './domain/fault.ts';
import { makeObserver } from './observe/observe.ts';
import { readSettings } from './settings/settings.ts';

/** `dist/controller` and `controller` are not equally deep. */
function version(): string {
  for (const up of ['../package.json', '../../package.json'])
    try {
      return (JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string }).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  return 'unknown';
}

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const observer = makeObserver({ level: settings.OTA_LOG_LEVEL });
  const controller = await startController(settings, {
    environment: process.env,
    observer,
    wallMs: Date.now,
    monotonicMs: () => performance.now(),
    random: Math.random,
    version: version(),
  });
  if (controller.adminTokenFile !== undefined)
    process.stderr.write(
      `The first operator's token is in ${controller.adminTokenFile}: put it into OTA_ADMIN_TOKEN.\n`,
    );
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      controller.stop(signal).then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  process.stderr.write(`ota-controller: ${error.message} [${error.code}]\n`);
  process.exit(2);
}
