/** The whole HTTP face over real HTTP on loopback: real store, real artifacts, time that stands where it is put. */
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { request } from 'undici';
import { makeAdmission } from '../../controller/artifacts/admission.ts';
import { openDiskArtifacts } from '../../controller/artifacts/disk.ts';
import { inspectApk } from '../../controller/artifacts/inspect.ts';
import { examinerOf } from '../../controller/compose/stored-apks.ts';
import type { Snapshot } from '../../controller/domain/decision.ts';
import type { Event } from '../../controller/domain/event.ts';
import { Fault } from '../../controller/domain/fault.ts';
import type { HealthCheck } from '../../controller/domain/health/index.ts';
import type { Build } from '../../controller/domain/release.ts';
import { createHttp, type HttpFace } from '../../controller/http/app.ts';
import { type Listener, listen } from '../../controller/http/listen.ts';
import { newAdminToken } from '../../controller/http/operator/token-routes.ts';
import { HTTP_DEFAULTS, type HttpOptions, type HttpSettings } from '../../controller/http/options.ts';
import type {
  AdminScope,
  ApkLinks,
  Artifacts,
  Brake,
  Notifier,
  Reconciler,
  ReconcileStatus,
} from '../../controller/ports/index.ts';
import { makePast } from '../../controller/reconcile/past.ts';
import type { Store } from '../../controller/store/store.ts';
import { artifactUses } from '../../controller/watch/artifact-uses.ts';
import { watchProgress } from '../../controller/watch/progress.ts';
import { factsOf, makeApk, testKey } from './apk/index.ts';
import { undocumented } from './openapi.ts';
import { DAY_MS, NOW_MS } from './state.ts';
import { withStore } from './store.ts';

export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers that the OpenAPI document has just checked
  readonly json: any;
}

export interface CallOptions {
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: Buffer | string;
  readonly type?: string;
}

export interface TestServer {
  readonly url: string;
  readonly face: HttpFace;
  readonly listener: Listener;
  readonly store: Store;
  readonly artifacts: Artifacts;
  readonly artifactFolder: string;
  /** What was observed, in order. */
  readonly events: Event[];
  /** Move these to move time; `snapshot` is what checks read. */
  readonly world: { nowMs: number; monotonicMs: number; snapshot: Snapshot | undefined };
  /** Arguments of every reconcile that was asked for. */
  readonly reconciles: unknown[];
  /** One request; fails when the answer is not in the OpenAPI document. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** An admin token with these scopes, expiring in a day. */
  admin(...scopes: AdminScope[]): Promise<string>;
  /** Enrols over HTTP and returns the device's token. */
  enrol(deviceId: string, tags?: readonly string[]): Promise<string>;
  of<T extends Event['type']>(type: T): Extract<Event, { type: T }>[];
}

export type ServerOptions = Partial<Omit<HttpOptions, 'settings' | 'ports' | 'observe'>> & {
  readonly settings?: Partial<HttpSettings>;
  readonly snapshot?: Snapshot;
  readonly status?: Partial<ReconcileStatus>;
  readonly notifier?: Notifier;
  /** Where an object store serves APKs. */
  readonly apkLinks?: ApkLinks;
  readonly quotaBytes?: number;
  readonly artifactFolder?: string;
  readonly health?: readonly HealthCheck[];
};

export const TOKEN_KEY = { kid: 'k1', key: createHash('sha256').update('token key').digest() };
export const NUDGE_MASTER = createHash('sha256').update('nudge master').digest();

const noBrake: Brake = {
  press: () =>
    Promise.reject(
      new Fault('brake_nothing', 'no device is offered it, so there is nothing to stop', { retry: 'never' }),
    ),
  resume: () =>
    Promise.reject(
      new Fault('resume_nothing', 'it is not stopped, so there is nothing to resume', { retry: 'never' }),
    ),
};

const noNotifier: Notifier = { destinations: [], test: async () => [] };

const STATUS: ReconcileStatus = {
  appliedRevision: undefined,
  appliedAtMs: undefined,
  attemptedRevision: undefined,
  problems: [],
  sourceReadAtMs: undefined,
  sourceFault: undefined,
  clockHeld: false,
};

function fakeReconciler(reconciles: unknown[], status: ReconcileStatus): Reconciler {
  return {
    wake: () => void reconciles.push('wake'),
    run: async options => {
      reconciles.push({ run: options ?? {} });
      return status;
    },
    status: () => status,
    recheck: async () => void reconciles.push('recheck'),
  };
}

export async function call(
  base: string,
  method: string,
  target: string,
  options: CallOptions = {},
): Promise<Answer> {
  const type = options.type ?? (options.json === undefined ? undefined : 'application/json');
  const response = await request(base + target, {
    method: method as 'GET',
    headers: {
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(type === undefined ? {} : { 'content-type': type }),
      ...options.headers,
    },
    body: options.json === undefined ? (options.body ?? null) : JSON.stringify(options.json),
  });
  const body = Buffer.from(await response.body.arrayBuffer());
  const headers = Object.fromEntries(Object.entries(response.headers).map(([name, v]) => [name, String(v)]));
  const sent = headers['content-type'];
  const given = { status: response.statusCode, type: sent, headers: Object.keys(headers), body };
  const wrong = undocumented({ method, path: target.split('?')[0] ?? '' }, given);
  if (wrong.length > 0)
    throw new Error(`not in the OpenAPI document: ${wrong.join('; ')}\n${body.subarray(0, 500)}`);
  return {
    status: response.statusCode,
    headers,
    body,
    get json() {
      return JSON.parse(body.toString());
    },
  };
}

export async function withServer<T>(
  options: ServerOptions,
  use: (server: TestServer) => Promise<T>,
): Promise<T> {
  const world = { nowMs: NOW_MS, monotonicMs: 1_000_000, snapshot: options.snapshot };
  const nowMs = () => world.nowMs;
  return withStore(
    async (store, folder) => {
      const artifactFolder = options.artifactFolder ?? path.join(folder, 'artifacts');
      const quotaBytes = options.quotaBytes ?? 1e9;
      const artifacts = await openDiskArtifacts({
        folder: artifactFolder,
        quotaBytes,
        inspect: file => inspectApk(file, async () => false),
        nowMs,
      });
      const events: Event[] = [];
      const reconciles: unknown[] = [];
      const {
        settings,
        snapshot: _snapshot,
        status,
        notifier: _notifier,
        apkLinks,
        quotaBytes: _quota,
        artifactFolder: _folder,
        health: _health,
        ...rest
      } = options;
      const face = createHttp({
        ports: {
          picture: world,
          clock: { nowMs, held: false, confirm: () => false },
          devices: store.devices,
          outcomes: store.outcomes,
          admins: store.admins,
          audit: store.audit,
          history: store.history,
          approvals: undefined,
          failures: store.failures,
          artifacts,
          examiner: examinerOf(
            makeAdmission({ artifacts, monotonicMs: () => world.monotonicMs }),
            store.desired,
          ),
          apkLinks,
          artifactUses: artifactUses({ desired: store.desired, values: store.keyValues }),
          reconciler: fakeReconciler(reconciles, { ...STATUS, ...status }),
          brake: noBrake,
          gate: { advice: () => undefined },
          retrospect: makePast({
            source: {
              read: () => Promise.reject(new Fault('revision_unknown', 'no source', { retry: 'never' })),
            },
            parse: () => ({ problems: [] }),
            desired: store.desired,
            past: store.past,
          }),
          health: { look: async () => options.health ?? [] },
          notifier: options.notifier ?? noNotifier,
          progress: watchProgress({
            picture: () => world.snapshot,
            devices: store.devices,
            nowMs,
            monotonicMs: () => world.monotonicMs,
            activeWithinMs: settings?.activeWithinMs ?? HTTP_DEFAULTS.activeWithinMs,
            onFault: (fault: unknown) => {
              throw fault;
            },
          }),
        },
        observe: event => void events.push(event),
        version: '0.0.0-test',
        metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'ota_checks_total 0\n' }),
        tokenKeys: [TOKEN_KEY],
        nudgeMaster: NUDGE_MASTER,
        knownBuild: id => world.snapshot?.state.builds.has(id) ?? false,
        monotonicMs: () => world.monotonicMs,
        ...rest,
        settings: { publicUrl: 'https://ota.example', ...settings },
      });
      const listener = await listen({ host: '127.0.0.1', port: 0, handler: face.all });
      const admin = async (...scopes: AdminScope[]): Promise<string> => {
        const { token, sha256 } = newAdminToken(randomBytes);
        const name = `test-${sha256.slice(0, 8)}`;
        await store.admins.create({ name, scopes, expiresAtMs: world.nowMs + DAY_MS }, sha256);
        return token;
      };
      try {
        return await use({
          url: listener.url,
          face,
          listener,
          store,
          artifacts,
          artifactFolder,
          events,
          world,
          reconciles,
          call: (method, target, callOptions) => call(listener.url, method, target, callOptions),
          admin,
          enrol: async (deviceId, tags = []) => {
            const token = await admin('devices');
            const answer = await call(listener.url, 'POST', '/v1/devices', {
              token,
              json: { device_id: deviceId, tags },
            });
            if (answer.status !== 201) throw new Error(`enrol answered ${answer.status} ${answer.body}`);
            return answer.json.token as string;
          },
          of: type => events.filter((e): e is Extract<Event, { type: typeof type }> => e.type === type),
        });
      } finally {
        await listener.close(0);
      }
    },
    { nowMs },
  );
}

export const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A really signed APK and the build that its bytes make. */
export async function anApk(
  versionCode: number,
  options: { sizeBytes?: number; package?: string; versionName?: string } = {},
): Promise<{ apk: Buffer; build: Build }> {
  const apk = makeApk({ versionCode, key: testKey('release'), ...options });
  const facts = await factsOf(apk);
  return {
    apk,
    build: {
      buildId: `b${versionCode}`,
      package: facts.package,
      versionCode,
      versionName: facts.versionName,
      minSdk: facts.minSdk,
      sizeBytes: facts.sizeBytes,
      sha256: facts.sha256,
      signerFingerprint: facts.signers[0]?.fingerprint ?? '',
      signers: [],
      signerLineage: [],
      notes: undefined,
      withdrawn: undefined,
    },
  };
}

/** Puts an APK into the store as an upload would. */
export async function stored(server: TestServer, apk: Buffer): Promise<void> {
  await server.artifacts.put(sha256Of(apk), pieces(apk), apk.length);
}

export async function* pieces(bytes: Buffer, pieceBytes = 65_536): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** Waits for what follows an answer; the caller then asserts it. The bound only ends a test that fails. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 12_000 && !(await holds()); turn++)
    await new Promise(resolve => setTimeout(resolve, 10));
}
