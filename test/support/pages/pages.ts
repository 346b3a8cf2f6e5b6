/** A running controller over a scene. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Controller, startController } from '../../../controller/compose/controller.ts';
import type { Build } from '../../../controller/domain/release.ts';
import { makeObserver } from '../../../controller/observe/observe.ts';
import { readSettings } from '../../../controller/settings/read.ts';
import { withFolder } from '../folder.ts';
import { anApk, sha256Of } from '../http.ts';
import { gitEnvironment, makeRepository, type Repository } from '../repository.ts';
import { SCENE_MS, type Scene } from './scene.ts';
import { seed } from './seed.ts';

export interface Pages {
  /** The running controller; another one after `restart`. */
  readonly controller: Controller;
  readonly url: string;
  readonly repository: Repository;
  readonly folder: string;
  readonly log: string[];
  /** Stops the controller and starts another one at the same address, over the same data. */
  restart(more?: Readonly<Record<string, string>>): Promise<void>;
  /** Operators' tokens. */
  readonly tokens: { readonly admin: string; readonly viewer: string };
}

let apks: Promise<readonly { apk: Buffer; build: Build }[]> | undefined;

/** APKs are made once a process: each is signed anew, which takes a while. */
const madeApks = () => {
  apks ??= Promise.all([41, 42, 43].map(code => anApk(code, { versionName: `4.${code % 10}.0` })));
  return apks;
};

export function withPages(scene: Scene, use: (pages: Pages) => Promise<void>): Promise<void> {
  return withFolder(async folder => {
    const [b41, b42, b43] = await madeApks();
    if (b41 === undefined || b42 === undefined || b43 === undefined) throw new Error('three APKs are made');
    const data = path.join(folder, 'data');
    await mkdir(path.join(data, 'artifacts'), { recursive: true, mode: 0o700 });
    for (const { apk } of [b41, b42, b43])
      await writeFile(path.join(data, 'artifacts', `${sha256Of(apk)}.apk`), apk);
    const builds = { b41: b41.build, b42: b42.build, b43: b43.build };
    const repository = await makeRepository(path.join(folder, 'releases'));
    const tokens = await seed(scene, builds, repository, data);
    let movedMs = 0;
    const beganMs = performance.now();
    const log: string[] = [];
    const start = (more: Readonly<Record<string, string>> = {}): Promise<Controller> =>
      startController(
        readSettings({
          OTA_DATA: data,
          OTA_PORT: '0',
          OTA_SOURCE: pathToFileURL(repository.folder).href,
          OTA_SOURCE_INTERVAL: '1h',
          OTA_TOKEN_KEY: `k2:${'5c'.repeat(32)}`,
          OTA_NUDGE_KEY: '3a'.repeat(32),
          ...scene.settings,
          ...more,
        }),
        {
          environment: gitEnvironment(folder),
          observer: makeObserver({ level: 'warn', destination: { write: line => void log.push(line) } }),
          wallMs: () => SCENE_MS + movedMs,
          // Stands like the wall clock; a step of the ramp does not age while a picture is taken.
          monotonicMs: () => beganMs,
          random: Math.random,
          version: '0.2.0',
        },
      );
    let controller = await start();
    const restart = async (more: Readonly<Record<string, string>> = {}): Promise<void> => {
      const { port } = new URL(controller.url);
      await controller.stop('restart');
      controller = await start({ OTA_PORT: port, ...more });
    };
    try {
      // The first look at the source is over, whatever it found.
      await controller.reconcile.run();
      await controller.tick();
      if (scene.sourceLost === true) {
        await repository.git('branch', '-m', 'main', 'gone');
        await controller.reconcile.run();
      }
      if (scene.jumpMs !== undefined) {
        movedMs = scene.jumpMs;
        await controller.look();
      }
      const { operatorUrl: url } = controller;
      await use({
        get controller() {
          return controller;
        },
        url,
        repository,
        folder,
        log,
        tokens,
        restart,
      });
    } finally {
      await controller.stop('end of test');
    }
  });
}
