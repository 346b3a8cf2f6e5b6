/**
 * The whole controller over real HTTP, a real Git repository and a real database, in this process: what journeys
 * drive. Time is real unless a test moves it with `pass`.
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Controller, type Runtime, startController } from '../../controller/compose/controller.ts';
import type { Rollout } from '../../controller/domain/release.ts';
import { makeObserver } from '../../controller/observe/observe.ts';
import { readSettings } from '../../controller/settings/read.ts';
import { makeLauncher } from '../../controller/source/git/launcher.ts';
import { withFolder } from './folder.ts';
import { type Answer, anApk, type CallOptions, call, sha256Of } from './http.ts';
import { databaseOf } from './postgres.ts';
import { type ReleaseFiles, releaseFiles } from './releases.ts';
import { gitEnvironment, makeRepository, type Repository } from './repository.ts';
import { aRollout, aState, type StateParts } from './state.ts';

export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string };

export interface Enrolled {
  readonly device_id: string;
  readonly token: string;
  readonly nudge_key: string;
}

export interface Journey {
  /** The running controller; another one after `restart`. */
  readonly controller: Controller;
  readonly url: string;
  readonly repository: Repository;
  /** The temporary folder that holds repository and data. */
  readonly folder: string;
  readonly adminToken: string;
  /** Every log line so far, parsed. */
  readonly log: LogLine[];
  /** The signed APKs of b41 and b42 and the builds their bytes make. */
  readonly builds: Readonly<Record<'b41' | 'b42', Awaited<ReturnType<typeof anApk>>>>;
  /** An operator's call; answers that the OpenAPI document does not know throw. */
  admin(method: string, target: string, options?: CallOptions): Promise<Answer>;
  enrol(ids: readonly string[], tags?: readonly string[]): Promise<Enrolled[]>;
  /** Commits this rollout over b41 and b42 and waits until the controller has judged it. */
  merge(rollout: number | Partial<Rollout>, more?: Omit<StateParts, 'rollout'>): Promise<string>;
  commitFiles(files: ReleaseFiles): Promise<string>;
  /** One metric's value; 0 when it was never counted. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** Moves wall and monotonic time together and lets the time-driven parts look. */
  pass(ms: number): Promise<void>;
  /** An operator's calls with the token in the data folder that is in use now: after a `restart` on another one. */
  freshOperator(): Promise<Journey['admin']>;
  /** A second controller on the same database, with a data folder of its own; with PostgreSQL alone. It ends with the test. */
  another(name: string, settings?: Readonly<Record<string, string>>): Promise<Controller>;
  /** `downMs`: how long it is down. */
  restart(settings?: Readonly<Record<string, string>>, downMs?: number): Promise<void>;
}

/** All controllers of a test process start Git from one small process: starting that costs as much as many of its runs. */
const launcher = makeLauncher();

export interface JourneyOptions {
  readonly settings?: Readonly<Record<string, string>>;
  readonly runtime?: Partial<Runtime>;
  /** Bytes of each APK, about. */
  readonly apkBytes?: number;
}

/** Keys are never made where the database is elsewhere. */
const onPostgres = (url: string) => ({
  OTA_DATABASE: url,
  OTA_TOKEN_KEY: `k1:${'5'.repeat(64)}`,
  OTA_NUDGE_KEY: '7'.repeat(64),
});

export function withController(
  use: (journey: Journey) => Promise<void>,
  options: JourneyOptions = {},
): Promise<void> {
  return withFolder(async folder => {
    const size = options.apkBytes === undefined ? {} : { sizeBytes: options.apkBytes };
    const builds = { b41: await anApk(41, size), b42: await anApk(42, size) };
    const repository = await makeRepository(path.join(folder, 'repository'));
    const log: LogLine[] = [];
    let movedMs = 0;
    const observer = () =>
      makeObserver({
        level: 'debug',
        destination: { write: line => void log.push(JSON.parse(line) as LogLine) },
      });
    const data = path.join(folder, 'data');
    const database = await databaseOf(data);
    const start = (settings: Readonly<Record<string, string>> = {}): Promise<Controller> =>
      startController(
        readSettings({
          OTA_DATA: data,
          ...(database === undefined ? {} : { OTA_ARTIFACTS: path.join(data, 'artifacts') }),
          ...(database === undefined ? {} : onPostgres(database.url)),
          OTA_PORT: '0',
          OTA_SOURCE: pathToFileURL(repository.folder).href,
          OTA_SOURCE_INTERVAL: '1h',
          OTA_CHECKS_PER_MINUTE: '1000',
          ...options.settings,
          ...settings,
        }),
        {
          environment: gitEnvironment(folder),
          observer: observer(),
          wallMs: () => Date.now() + movedMs,
          monotonicMs: () => performance.now() + movedMs,
          random: Math.random,
          version: 'test',
          runGit: launcher.run,
          ...options.runtime,
        },
      );
    await repository.record();
    const others: Controller[] = [];
    let controller = await start();
    const adminToken = (await readFile(path.join(folder, 'data', 'admin-token'), 'utf8')).trim();
    const admin: Journey['admin'] = (method, target, more = {}) =>
      call(controller.operatorUrl, method, target, { token: adminToken, ...more });
    const commitFiles = async (files: ReleaseFiles): Promise<string> => {
      const revision = await repository.commit(files, { atMs: Date.now() + movedMs });
      await controller.reconcile.run();
      return revision;
    };
    const journey: Journey = {
      get controller() {
        return controller;
      },
      get url() {
        return controller.url;
      },
      repository,
      folder,
      adminToken,
      log,
      builds,
      admin,
      enrol: async (ids, tags = []) => {
        const devices = ids.map(device_id => ({ device_id, tags }));
        const answer = await admin('POST', '/v1/devices/import', { json: { devices } });
        if (answer.status !== 200) throw new Error(`import: ${answer.status} ${answer.body.toString()}`);
        return (answer.json as { devices: Enrolled[] }).devices;
      },
      merge: async (rollout, more = {}) => {
        const state = aState({
          builds: [builds.b41.build, builds.b42.build],
          ...more,
          rollout: aRollout(rollout),
        });
        return commitFiles(releaseFiles(state));
      },
      commitFiles,
      metric: async (name, labels = {}) => {
        const text = (await admin('GET', '/metrics')).body.toString();
        for (const line of text.split('\n')) {
          const match = /^([a-z_]+)(?:\{(.*)\})? (.+)$/.exec(line);
          if (match?.[1] !== name) continue;
          if (Object.entries(labels).every(([k, v]) => match[2]?.includes(`${k}="${v}"`)))
            return Number(match[3]);
        }
        return 0;
      },
      pass: async ms => {
        // A controller that looks less often than each minute has not served the time between.
        for (let leftMs = ms; leftMs > 0; leftMs -= 60_000) {
          movedMs += Math.min(leftMs, 60_000);
          await controller.look();
        }
        await controller.tick();
      },
      freshOperator: async () => {
        const token = (await readFile(controller.adminTokenFile ?? '', 'utf8')).trim();
        return (method, target, more = {}) =>
          call(controller.operatorUrl, method, target, { token, ...more });
      },
      another: async (name, settings) => {
        const made = await start({ OTA_DATA: path.join(folder, name), ...settings });
        others.push(made);
        return made;
      },
      restart: async (settings, downMs = 0) => {
        await controller.stop('restart');
        movedMs += downMs;
        controller = await start(settings);
      },
    };
    try {
      for (const { apk } of Object.values(builds)) {
        const put = await admin('PUT', `/v1/artifacts/${sha256Of(apk)}`, {
          body: apk,
          type: 'application/vnd.android.package-archive',
        });
        if (put.status >= 300) throw new Error(`upload: ${put.status} ${put.body.toString()}`);
      }
      await use(journey);
    } finally {
      for (const other of others) await other.stop('end of test');
      await controller.stop('end of test');
    }
  });
}
