/**
 * The agent's figures: the way of a 40 MB APK from the last byte to "installed", and 5,000 agents in one process.
 * `node --expose-gc --import tsx bench/agent.ts [--json] [--devices N]`
 */
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../agent/clock.ts';
import { startScriptedController, TOKEN } from '../agent/conform/agent/scripted-controller.ts';
import { Fleet } from '../agent/fleet/fleet.ts';
import type { Offer } from '../agent/offer.ts';
import { SimulatedDevice } from '../agent/simulated/device.ts';
import { ApkFolder } from '../agent/store/apk-folder.ts';
import { verifyDownload } from '../agent/verify.ts';
import { bufferReader, verifyApk } from '../controller/apk/index.ts';
import { fingerprintOf, makeApk, testKey } from '../test/support/apk/index.ts';

const MIB = 1024 * 1024;
const key = testKey('release');
const signer = fingerprintOf(key);

/** Real bytes on disk, everything verified twice as on a phone: by the agent, then by the package manager. */
async function verifyAndInstall(sizeBytes: number): Promise<Record<string, number>> {
  const apk = makeApk({ key, versionCode: 42, sizeBytes });
  const verdict = await verifyApk(bufferReader(apk));
  if (!verdict.ok) throw new Error(verdict.code);
  const { sha256 } = verdict.facts;
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-bench-agent-'));
  try {
    const file = new ApkFolder(folder).of(sha256);
    for (let at = 0; at < apk.length; at += MIB) await file.append(apk.subarray(at, at + MIB));
    await file.close();
    const installed = { package: 'com.nexmdm.agent', versionCode: 41, signer, sha256: undefined };
    const device = new SimulatedDevice({ image: { installed, sdk: 33, installCalls: 0 } });
    const offer = { sha256, sizeBytes: apk.length, versionCode: 42, signerFingerprint: signer } as Offer;
    const startedMs = performance.now();
    const reader = await file.open();
    const verified = await verifyDownload(reader, offer, await device.installed(), () =>
      systemClock.monotonicMs(),
    );
    await reader.close();
    const verifiedMs = performance.now();
    const result = await device.install(file, { downgrade: false });
    const endedMs = performance.now();
    if (!verified.ok || !result.ok) throw new Error('the APK was refused');
    return {
      mib: apk.length / MIB,
      verifyMs: verifiedMs - startedMs,
      installMs: endedMs - verifiedMs,
      totalMs: endedMs - startedMs,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The server is a process of its own, so that memory is the agents' alone. */
async function fleet(count: number): Promise<Record<string, number>> {
  const server = fork(import.meta.filename, ['--serve'], { execArgv: process.execArgv });
  const url = await new Promise<string>(resolve =>
    server.once('message', message => resolve(String(message))),
  );
  const devices = Array.from({ length: count }, (_, n) => ({
    deviceId: `bench-${n}`,
    token: TOKEN,
    versionCode: 41,
    signer,
  }));
  const swarm = new Fleet({ url, devices, seed: 7 });
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 50);
  try {
    const startedMs = performance.now();
    await swarm.start();
    const ms = performance.now() - startedMs;
    globalThis.gc?.();
    const { installs, reportsAccepted } = swarm.summary();
    if (installs !== count || reportsAccepted !== count)
      throw new Error(`${installs} installs and ${reportsAccepted} reports of ${count}`);
    return {
      devices: count,
      updatesPerS: count / (ms / 1000),
      peakRssMib: peak / MIB,
      restingRssMib: process.memoryUsage().rss / MIB,
    };
  } finally {
    clearInterval(watch);
    await swarm.stop();
    server.kill();
  }
}

async function serve(): Promise<void> {
  const server = await startScriptedController();
  server.offer = { buildId: 'b42', versionCode: 42, apk: makeApk({ key, versionCode: 42 }), signer };
  process.send?.(server.url);
}

const rounded = (figures: Record<string, number>) =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.round(value * 10) / 10]));

if (process.argv.includes('--serve')) await serve();
else {
  const at = process.argv.indexOf('--devices');
  const count = at < 0 ? 5_000 : Number(process.argv[at + 1]);
  const figures = { apk: rounded(await verifyAndInstall(40 * MIB)), fleet: rounded(await fleet(count)) };
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures));
  else {
    const { apk, fleet: many } = figures;
    console.log(
      `verify + install of ${apk.mib} MiB: ${apk.totalMs} ms (verify ${apk.verifyMs}, install ${apk.installMs}); aim: under 5,000 ms`,
    );
    console.log(
      `${many.devices} agents: ${many.updatesPerS} whole updates/s, peak ${many.peakRssMib} MiB, at rest ${many.restingRssMib} MiB; aim: under 1,024 MiB`,
    );
  }
}
