/** One controller on a data folder, killed (SIGKILL) at random moments and started again. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, type Running, startProcess } from '../test/support/process.ts';
import {
  emptyTally,
  importDevices,
  lostOf,
  pause,
  SOAK_SETTINGS,
  type SoakOptions,
  startLoad,
  tallyLines,
  visit,
} from './soak-load.ts';

/** True when nothing that was acknowledged is lost. */
export async function soakOne({ kills, devices, workers }: SoakOptions): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-soak-'));
  const port = await freePort();
  const start = (): Promise<Running> =>
    startProcess(
      {
        ...SOAK_SETTINGS,
        OTA_PORT: String(port),
      },
      folder,
    );
  let running = await start();
  const token = (await readFile(path.join(folder, 'data', 'admin-token'), 'utf8')).trim();
  const fleet = await importDevices(running.url, token, devices);
  const tally = emptyTally();
  const load = startLoad(fleet, workers, device => visit(running.url, device, tally));
  for (let kill = 1; kill <= kills; kill += 1) {
    await pause(200 + Math.random() * 2_800);
    await running.end('SIGKILL');
    running = await start();
    process.stderr.write(`\rkill ${kill} of ${kills}, ${tally.acknowledged.size} results acknowledged`);
  }
  await pause(1_000);
  const seconds = await load.stop();
  const code = await running.end('SIGTERM');
  const lost = await lostOf({ folder: path.join(folder, 'data') }, tally, devices);
  await rm(folder, { recursive: true });
  const said = [
    `\n${kills} kills in ${seconds.toFixed(0)} s, ${workers} workers, ${devices} devices`,
    `ended with ${code} on SIGTERM`,
    ...tallyLines(tally, lost),
  ];
  process.stdout.write(`${said.join('\n')}\n`);
  return lost.length === 0 && code === 0;
}
