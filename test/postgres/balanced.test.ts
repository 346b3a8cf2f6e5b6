/** Two controllers behind HAProxy, as the example has it: devices go on while the leader is killed, started again and killed again. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Agent, setGlobalDispatcher } from 'undici';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openStore } from '../../controller/store/store.ts';
import type * as Api from '../../schemas/api.d.ts';
import { until, withFolder } from '../support/folder.ts';
import { anApk, call, sha256Of } from '../support/http.ts';
import { databaseOf } from '../support/postgres.ts';
import { freePort, type Running, startProcess } from '../support/process.ts';
import { isInstalled, withProxy, writeConfig } from '../support/proxies.ts';
import { releaseFiles } from '../support/releases.ts';
import { makeRepository } from '../support/repository.ts';
import { aRollout, aState } from '../support/state.ts';

const APK_TYPE = 'application/vnd.android.package-archive';
const KILLS = 3;
const DEVICES = 8;

interface Place {
  readonly name: string;
  readonly port: number;
  readonly operatorPort: number;
}

async function revisionAt(place: Place | undefined): Promise<string | undefined> {
  const answer = await fetch(`http://127.0.0.1:${place?.port}/readyz`);
  return ((await answer.json()) as { revision?: string }).revision;
}

const requestIdOf = (n: number): string => `req-balanced-${n}`;

/** Sends a result; true if it was acknowledged. */
async function reported(url: string, token: string, n: number): Promise<boolean> {
  const json = {
    request_id: requestIdOf(n),
    build_id: 'b42',
    outcome: 'ok',
    reason: 'installed',
    version_code: 42,
  };
  const answer = await call(url, 'POST', '/v1/action-result', { token, json }).catch(() => undefined);
  return answer?.status === 200;
}

const isInstalledHere = isInstalled('haproxy');
// HAProxy is no package of npm: .ci/run installs it, and elsewhere the run says what it did not try.
(isInstalledHere ? test : test.skip)(
  'while leaders are killed one after the other, every check is answered and no acknowledged result is lost',
  () =>
    withFolder(async folder => {
      const database = await databaseOf(folder);
      const repository = await makeRepository(`${folder}/repository`);
      const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
      const asked = [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=a test proxy',
      ];
      const out = ['-addext', 'subjectAltName=IP:127.0.0.1', '-out', cert, '-keyout', key];
      execFileSync('openssl', [...asked, ...out], { stdio: 'ignore' });
      const [agentPort, operatorPort] = [await freePort(), await freePort()];
      const [agents, operators] = [`https://127.0.0.1:${agentPort}`, `https://127.0.0.1:${operatorPort}`];
      const places: Place[] = [
        { name: 'one', port: await freePort(), operatorPort: await freePort() },
        { name: 'two', port: await freePort(), operatorPort: await freePort() },
      ];
      const running = new Map<string, Running>();
      const start = async ({ name, port, operatorPort: operator }: Place): Promise<void> => {
        const made = await startProcess(
          {
            OTA_DATA: `${folder}/${name}`,
            OTA_ARTIFACTS: `${folder}/apks`,
            OTA_DATABASE: database?.url ?? '',
            OTA_TOKEN_KEY: `k1:${'5'.repeat(64)}`,
            OTA_NUDGE_KEY: '7'.repeat(64),
            OTA_SOURCE: pathToFileURL(repository.folder).href,
            OTA_SOURCE_INTERVAL: '1s',
            OTA_CHECKS_PER_MINUTE: '100000',
            OTA_LEASE: '1s',
            OTA_PORT: String(port),
            OTA_OPERATOR_PORT: String(operator),
            OTA_TRUSTED_PROXY: 'true',
            OTA_PUBLIC_URL: agents,
            OTA_OPERATOR_URL: operators,
          },
          folder,
        );
        running.set(name, made);
      };
      const leader = async (): Promise<Place> => {
        let found: Place | undefined;
        await until('one leads', async () => {
          found = places.find(({ name }) => {
            const said =
              running
                .get(name)
                ?.stdout()
                .match(/"event":"ota\.role".*?"role":"(\w+)"/g) ?? [];
            return said.at(-1)?.includes('leads') === true && running.get(name)?.child.signalCode === null;
          });
          return found !== undefined;
        });
        if (found === undefined) throw new Error('one of them leads');
        return found;
      };
      try {
        for (const place of places) await start(place);
        const token = (await readFile(`${folder}/one/admin-token`, 'utf8')).trim();
        const direct = `http://127.0.0.1:${places[0]?.operatorPort}`;
        const builds = [await anApk(41), await anApk(42)];
        for (const { apk } of builds)
          await call(direct, 'PUT', `/v1/artifacts/${sha256Of(apk)}`, { token, body: apk, type: APK_TYPE });
        const devices: string[] = [];
        for (let n = 0; n < DEVICES; n += 1) {
          const json = { device_id: `kiosk-${n}`, tags: [] };
          const made = await call(direct, 'POST', '/v1/devices', { token, json });
          devices.push((made.json as Api.Credentials).token);
        }
        /** Everybody is offered the build, whatever is said with it. */
        const commit = (reason: string): Promise<string> => {
          const rollout = { ...aRollout(100), reason };
          const state = aState({ builds: builds.map(b => b.build), rollout });
          return repository.commit(releaseFiles(state), { atMs: Date.now() });
        };
        await commit('the first');
        for (const { port } of places)
          await until('both are ready', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
        const config = writeConfig('haproxy', folder, {
          agentPort,
          operatorPort,
          agents: [`127.0.0.1:${places[0]?.port}`, `127.0.0.1:${places[1]?.port}`],
          operators: [`127.0.0.1:${places[0]?.operatorPort}`, `127.0.0.1:${places[1]?.operatorPort}`],
          cert,
          key,
        });
        setGlobalDispatcher(new Agent({ connect: { ca: readFileSync(cert) } }));
        await withProxy('haproxy', config, agentPort, async () => {
          let isOver = false;
          let checks = 0;
          const unanswered: number[] = [];
          const acknowledged: number[] = [];
          let next = 0;
          const live = async (device: string): Promise<void> => {
            while (!isOver) {
              const target = '/v1/agent/update?version_code=41&sdk=33';
              const answer = await call(agents, 'GET', target, { token: device }).catch(() => undefined);
              checks += 1;
              if (answer?.status !== 200) unanswered.push(answer?.status ?? 0);
              const n = next++;
              if (await reported(agents, device, n)) acknowledged.push(n);
            }
          };
          const fleet = devices.map(live);
          for (let kill = 0; kill < KILLS; kill += 1) {
            const place = await leader();
            const before = acknowledged.length;
            await until('results are taken', async () => acknowledged.length > before + 20);
            const revision = await commit(`kill ${kill}`);
            // Somewhere between the commit and its end the leader reads, judges, applies or publishes it.
            await pause(Math.random() * 1_200);
            await running.get(place.name)?.end('SIGKILL');
            await until('results are taken by the other', async () => acknowledged.length > before + 60);
            const survivor = places.find(other => other !== place);
            await until('what was merged governs', async () => (await revisionAt(survivor)) === revision);
            await start(place);
          }
          isOver = true;
          await Promise.all(fleet);
          console.log(
            `  ${KILLS} leaders killed, ${checks} checks, ${acknowledged.length} results acknowledged`,
          );
          assert.equal(unanswered, [], 'the proxy asked the other controller');
          for (const { child } of running.values()) child.kill('SIGKILL');
          const store = await openStore({ folder: `${folder}/after`, database, nowMs: Date.now });
          const kept = new Set<string>();
          for (let n = 0; n < DEVICES; n += 1)
            for (const { requestId } of (await store.outcomes.history(`kiosk-${n}`, 100_000)).reports)
              kept.add(requestId);
          await store.close();
          const lost = acknowledged.filter(n => !kept.has(requestIdOf(n)));
          assert.equal(lost, [], 'what was acknowledged is kept');
        });
      } finally {
        for (const { child } of running.values()) child.kill('SIGKILL');
      }
    }),
);

test.run();
