/** The scene: commits move the rollout, the fleet follows, and every claim becomes a figure. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { Fleet } from '../agent/fleet/fleet.ts';
import { exposed } from './cohort.ts';
import { Figures } from './figures.ts';
import { type OwnProcess, startOwnProcess } from './own-process.ts';
import type { Show } from './show.ts';
import type { Stage } from './stage.ts';

const SEED = 7;
const AT_ONCE = 48;
const ALONE = 'kiosk-own-process';

interface Credentials {
  readonly device_id: string;
  readonly token: string;
  readonly nudge_key: string;
}

/** The devices: most run b41, some are new, and some are off until after the rollback. */
interface Cast {
  readonly veterans: readonly string[];
  readonly fresh: readonly string[];
  readonly asleep: ReadonlySet<string>;
}

function castOf(devices: number): Cast {
  const name = (kind: string, i: number): string => `${kind}-${String(i).padStart(4, '0')}`;
  const freshCount = Math.floor(devices / 15);
  const veterans = Array.from({ length: devices - freshCount }, (_, i) => name('tablet', i));
  const fresh = Array.from({ length: freshCount }, (_, i) => name('new', i));
  const asleep = new Set([...veterans.filter((_, i) => i % 5 === 0), ...fresh.filter((_, i) => i % 2 === 0)]);
  return { veterans, fresh, asleep };
}

async function enrol(stage: Stage, ids: readonly string[]): Promise<Map<string, Credentials>> {
  const file = path.join(stage.folder, 'fleet.csv');
  await writeFile(file, `device_id,tags\n${ids.map(id => `${id},`).join('\n')}\n`);
  const printed = JSON.parse(await stage.ota('device', 'import', file, '--json')) as {
    devices: Credentials[];
  };
  return new Map(printed.devices.map(d => [d.device_id, d]));
}

/** Changes one byte in the middle of a stored APK: its name and size stay what they were. */
async function tamper(stage: Stage, buildId: string): Promise<void> {
  const { sha256 } = parse(
    await readFile(path.join(stage.repository, 'releases', 'builds', `${buildId}.yaml`), 'utf8'),
  ) as { sha256: string };
  const folder = path.join(stage.folder, 'data', 'artifacts');
  const name = (await readdir(folder)).find(n => n.startsWith(sha256));
  if (name === undefined) throw new Error(`no artifact of ${buildId}`);
  const bytes = await readFile(path.join(folder, name));
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  await writeFile(path.join(folder, name), bytes);
}

async function seedInForce(stage: Stage): Promise<string> {
  const rollout = parse(await readFile(path.join(stage.repository, 'releases', 'rollout.yaml'), 'utf8')) as {
    cohort_seed?: string;
  };
  return rollout.cohort_seed ?? '';
}

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} % of the fleet`;
const took = (ms: number): string => `in force ${(ms / 1000).toFixed(1)} s after the commit`;

export interface SceneOptions {
  readonly devices: number;
  /** One byte of b42 is changed in the controller's store once it is admitted: no device may install it. */
  readonly tamper: boolean;
}

export async function playScene(stage: Stage, show: Show, options: SceneOptions): Promise<Figures> {
  const cast = castOf(options.devices);
  const ids = [...cast.veterans, ...cast.fresh];
  show.step(`declaring two signed APKs and enrolling ${ids.length} devices and one agent process`);
  await stage.ota('build', 'add', stage.apks.b41, '--id', 'b41', '--upload');
  await stage.ota('build', 'add', stage.apks.b42, '--id', 'b42', '--upload');
  const credentials = await enrol(stage, [...ids, ALONE]);
  await stage.merge('run b41');
  const kept = credentials.get(ALONE);
  if (kept === undefined) throw new Error('the import answered without the agent process');
  const { folder, url, apks } = stage;
  const alone = await startOwnProcess({
    folder,
    url,
    deviceId: ALONE,
    token: kept.token,
    installed: apks.b41,
  });
  const fleet = new Fleet({
    url,
    seed: SEED,
    devices: ids.flatMap(id => {
      const given = credentials.get(id);
      if (given === undefined) return [];
      const installed = id.startsWith('tablet') ? { versionCode: 41, buildId: 'b41' } : { versionCode: 0 };
      return [{ deviceId: id, token: given.token, signer: stage.signer, mayDowngrade: true, ...installed }];
    }),
  });
  try {
    return await act({ stage, show, options, cast, ids, fleet, alone });
  } finally {
    show.settle();
    await fleet.stop();
    await alone.stop();
  }
}

interface Acting {
  readonly stage: Stage;
  readonly show: Show;
  readonly options: SceneOptions;
  readonly cast: Cast;
  readonly ids: readonly string[];
  readonly fleet: Fleet;
  readonly alone: OwnProcess;
}

async function act({ stage, show, options, cast, ids, fleet, alone }: Acting): Promise<Figures> {
  const figures = new Figures(show.found);
  const awake = ids.filter(id => !cast.asleep.has(id));
  const total = ids.length;
  const running = (versionCode: number): string[] =>
    fleet
      .devices()
      .filter(d => d.versionCode === versionCode)
      .map(d => d.deviceId);
  const started = new Set<string>();
  /** A device's first poll is its agent's start. */
  const ask = async (id: string): Promise<void> => {
    if (started.has(id)) return fleet.poll(id);
    started.add(id);
    await fleet.member(id).start();
    await fleet.member(id).settled();
  };
  const poll = async (who: readonly string[]): Promise<void> => {
    const queue = [...who];
    let done = 0;
    const worker = async (): Promise<void> => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        await ask(id);
        done += 1;
        show.progress(done, who.length);
      }
    };
    await Promise.all([alone.poll(), ...Array.from({ length: AT_ONCE }, worker)]);
  };

  show.step('everyone runs b41: the fresh devices that are awake install it');
  await poll(awake);
  const awakeFresh = cast.fresh.filter(id => !cast.asleep.has(id));
  figures.devices(
    'b41 on fresh devices',
    awakeFresh,
    running(41).filter(id => id.startsWith('new')),
  );

  await stage.ota('promote', 'b42', '--percent', '10', '--reason', 'the demo');
  const seed = await seedInForce(stage);
  for (const percent of [10, 50, 100]) {
    if (percent > 10) await stage.ota('rollout', String(percent));
    show.step(`commit: b42 at ${percent} %`);
    const ms = await stage.merge(`b42 at ${percent} %`);
    if (options.tamper) await tamper(stage, 'b42');
    await poll(awake);
    const expected = awake.filter(id => exposed(id, seed, percent));
    figures.devices(
      `b42 at ${percent} %`,
      expected,
      running(42),
      `${share(expected.length, awake.length).replace('the fleet', 'those awake')}, ${took(ms)}`,
    );
    const inCohort = exposed(ALONE, seed, percent) ? 1 : 0;
    figures.count(`  the agent process runs b42`, inCohort, installedAlone(alone, 42));
    // The controller would refuse to continue with these bytes.
    if (options.tamper) return await account(stage, fleet, alone, figures);
  }

  show.step('commit: rollback; the sleepers wake up');
  const before = await downloadsOf(stage, 'b42');
  await stage.ota('rollback', '--reason', 'the demo goes back');
  const ms = await stage.merge('roll back');
  await poll(ids);
  figures.count('b42 downloads after the rollback', 0, (await downloadsOf(stage, 'b42')) - before, took(ms));
  figures.devices(
    'b41 on devices that slept',
    [...cast.asleep],
    running(41).filter(id => cast.asleep.has(id)),
  );
  figures.devices('b42 stays where it was installed', awake, running(42), 'no downgrade by default');

  show.step('commit: force_downgrade, on devices that allow it');
  await stage.ota('rollback', '--force-downgrade', '--reason', 'the demo takes b42 back');
  await stage.merge('force the downgrade');
  await poll(ids);
  figures.devices('b41 after the forced downgrade', [...ids], running(41), share(running(41).length, total));
  figures.count('  the agent process runs b41 again', 1, installedAlone(alone, 41));
  return await account(stage, fleet, alone, figures);
}

/** 1 when the last install of the agent process left it on that version. */
function installedAlone(alone: OwnProcess, versionCode: number): number {
  const last = alone.events.findLast(e => e.event === 'ota.install.ok');
  return (last?.version_code ?? 41) === versionCode ? 1 : 0;
}

async function downloadsOf(stage: Stage, buildId: string): Promise<number> {
  return (await stage.log()).filter(l => l.event === 'ota.download.200' && l.build_id === buildId).length;
}

/** Failures, and whether the controller's counters and logs agree with the devices. */
async function account(stage: Stage, fleet: Fleet, alone: OwnProcess, figures: Figures): Promise<Figures> {
  const summary = fleet.summary();
  const installs = summary.installs + alone.events.filter(e => e.event === 'ota.install.ok').length;
  const checks = summary.checks + alone.events.filter(e => e.event === 'ota.check').length;
  figures.count('failed installs', 0, await stage.metric('ota_installs_total', 'outcome="fail"'));
  figures.count('failed verifications', 0, await stage.metric('ota_verify_fail_total'));
  figures.count(
    'ota_installs_total{ok} = installs on devices',
    installs,
    await stage.metric('ota_installs_total', 'outcome="ok"'),
  );
  const log = await stage.log();
  const answered = log.filter(l => l.event === 'ota.manifest.200' || l.event === 'ota.manifest.304').length;
  // Each install was confirmed by one more check before it began.
  figures.count(
    'checks in the log = checks of devices',
    checks + installs,
    answered,
    'one more before each install',
  );
  const results = log.filter(l => l.event === 'ota.result' && l.outcome === 'ok');
  const offered = new Set(
    log.filter(l => l.event === 'ota.manifest.200').map(l => `${l.request_id} ${l.build_id}`),
  );
  const fetched = new Set(
    log.filter(l => l.event === 'ota.download.200').map(l => `${l.request_id} ${l.build_id}`),
  );
  const told = results.filter(
    l => offered.has(`${l.request_id} ${l.build_id}`) && fetched.has(`${l.request_id} ${l.build_id}`),
  );
  figures.count('manifest → download → result by request_id', installs, told.length);
  return figures;
}
