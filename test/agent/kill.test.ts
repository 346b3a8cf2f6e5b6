/** Every state × kill, generated: whatever moment the process dies at, the next one ends with one install and one result. */
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LoadedState, StateStore } from '../../agent/ports.ts';
import { type AgentState, PHASES, type PhaseName } from '../../agent/state.ts';
import { MemoryState } from '../../agent/store/memory.ts';
import { StateFile } from '../../agent/store/state-file.ts';
import type { Seen } from '../support/agent/protocol-server.ts';
import { buildOf, DEVICE_ID, pass, type Scene, withAgent } from '../support/agent/with-agent.ts';

/** A store that ends the agent around its n-th save. */
class KillingStore implements StateStore {
  readonly inner: StateStore;
  saves = 0;
  killAt: { save: number; when: 'before' | 'after' } | undefined;
  kill: () => void = () => {};
  killedIn: PhaseName | undefined;

  constructor(inner: StateStore = new MemoryState()) {
    this.inner = inner;
  }

  load(): Promise<LoadedState> {
    return this.inner.load();
  }

  async save(state: AgentState): Promise<void> {
    this.saves += 1;
    const now = this.killAt?.save === this.saves ? this.killAt.when : undefined;
    if (now === 'before') {
      this.killedIn = state.phase.name;
      this.kill();
      return;
    }
    await this.inner.save(state);
    if (now === 'after') {
      this.killedIn = state.phase.name;
      this.kill();
    }
  }
}

/** The whole life: a nudge-less start out of Wi-Fi, then Wi-Fi, an install and its report. */
async function live(scene: Scene): Promise<void> {
  const { agent, device } = scene;
  await agent.start();
  await agent.settled();
  device.set({ unmeteredWifi: true });
  await agent.settled();
}

async function survive(scene: Scene): Promise<void> {
  scene.device.set({ unmeteredWifi: true });
  await scene.restart();
  await pass(scene, 15 * 60_000);
  assertOnce(scene);
}

function assertOnce({ server, device, agent }: Scene): void {
  assert.is(device.image.installed.versionCode, 42);
  assert.is(agent.state.phase.name, 'idle');
  assert.equal(agent.state.unsent, []);
  const finals = server.reports().filter(r => r.outcome !== 'deferred');
  assert.is(
    new Set(finals.map(r => `${r.request_id} ${r.outcome} ${r.reason}`)).size,
    1,
    JSON.stringify(finals),
  );
  assert.is(finals[0]?.outcome, 'ok');
}

const scenario = {
  idle: true,
  prepare: (s: Scene['server']) => {
    s.offer = buildOf(42);
  },
  device: { conditions: { unmeteredWifi: false } },
};

test('without a kill the whole life takes one install and one result', () => {
  const store = new KillingStore();
  return withAgent({ ...scenario, store }, async scene => {
    await live(scene);
    assertOnce(scene);
    assert.is(scene.device.image.installCalls, 1);
    assert.ok(store.saves >= 8, `${store.saves} saves`);
  });
});

const killedIn = new Set<PhaseName>();
const MAX_SAVES = 40;

for (const when of ['before', 'after'] as const)
  test(`killed ${when} each save, in every state, it ends with one install and one result`, async () => {
    for (let save = 1; save <= MAX_SAVES; save++) {
      const store = new KillingStore();
      store.killAt = { save, when };
      let done = false;
      await withAgent({ ...scenario, store }, async scene => {
        store.kill = () => scene.agent.kill();
        await live(scene);
        if (store.killedIn === undefined) {
          done = true;
          return;
        }
        killedIn.add(store.killedIn);
        await survive(scene);
        assert.is(scene.device.image.installCalls, 1, `${when} save ${save}, ${store.killedIn}`);
      });
      if (done) return;
    }
    throw new Error('the life never ended');
  });

test('every state was killed in', () => {
  assert.equal(
    PHASES.filter(phase => !killedIn.has(phase)),
    [],
  );
});

const KILL_ON: Record<string, (seen: Seen, response: ServerResponse, kill: () => void) => unknown> = {
  'as a request arrives': (_seen, _response, kill) => {
    kill();
    return 'default';
  },
  'as the response has gone out': (_seen, response, kill) => {
    response.on('finish', kill);
    return 'default';
  },
  'as the connection is cut': (_seen, response, kill) => {
    kill();
    response.destroy();
  },
};

for (const [name, act] of Object.entries(KILL_ON))
  test(`killed ${name}, for every request, it ends with one install and one result`, async () => {
    let requests = 0;
    for (let nth = 0; nth <= requests; nth++)
      await withAgent(scenario, async scene => {
        const { server } = scene;
        let count = 0;
        const onAny = (seen: Seen, response: ServerResponse) => {
          count += 1;
          return count === nth ? act(seen, response, () => scene.agent.kill()) : 'default';
        };
        server.onCheck = onAny;
        server.onApk = onAny;
        server.onReport = onAny;
        await live(scene);
        // The first life is left alone: it tells how many requests there are.
        if (nth === 0) requests = count;
        count = Number.POSITIVE_INFINITY;
        await survive(scene);
        assert.is(scene.device.image.installCalls, 1, `request ${nth}`);
      });
    assert.ok(requests >= 5, `${requests} requests were killed at`);
  });

test('killed by its own replacement, as on a phone, the next process reports', () => {
  let scene: Scene | undefined;
  const onReplaced = () => scene?.agent.kill();
  return withAgent({ ...scenario, device: { ...scenario.device, onReplaced } }, async given => {
    scene = given;
    await live(given);
    assert.is(given.device.image.installed.versionCode, 42);
    assert.is(given.server.reports().filter(r => r.outcome === 'ok').length, 0, 'the old process is dead');
    await survive(given);
    assert.is(given.device.image.installCalls, 1);
  });
});

test('killed in the install before it took effect, it verifies and confirms again and installs', () =>
  withAgent(scenario, async scene => {
    scene.device.failInstall('hang');
    const killed = scene.agent;
    void live(scene);
    for (let n = 0; n < 500 && scene.device.image.installCalls === 0; n++)
      await new Promise(r => setTimeout(r, 2));
    assert.is(killed.state.phase.name, 'installing');
    await survive(scene);
    assert.is(scene.device.image.installCalls, 2);
    assert.is(scene.typesOf('ota.verify.ok').length, 2);
  }));

test('an install that is interrupted again and again is given up', () =>
  withAgent(scenario, async scene => {
    scene.device.set({ unmeteredWifi: true });
    for (let n = 1; n <= 3; n++) {
      scene.device.failInstall('hang');
      if (n === 1) void scene.agent.start();
      else void scene.restart();
      for (let i = 0; i < 500 && scene.device.image.installCalls < n; i++)
        await new Promise(r => setTimeout(r, 2));
    }
    scene.server.offer = undefined;
    await scene.restart();
    const finals = scene.server.reports().filter(r => r.outcome === 'fail');
    assert.equal(
      finals.map(r => r.reason),
      ['install_failed'],
    );
    assert.is(scene.device.image.installCalls, 3);
  }));

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-agent-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a store file cut in half, in every state: the state before is taken and nothing is lost', async () => {
  for (let save = 2; save <= MAX_SAVES; save++) {
    let done = false;
    await withFolder(folder =>
      withAgent({ ...scenario, store: new KillingStore(new StateFile(folder, DEVICE_ID)) }, async scene => {
        const store = scene.store as KillingStore;
        store.killAt = { save, when: 'after' };
        store.kill = () => scene.agent.kill();
        await live(scene);
        if (store.killedIn === undefined) {
          done = true;
          return;
        }
        const file = path.join(folder, 'agent.state');
        await truncate(file, Math.floor((await readFile(file)).length / 2));
        await survive(scene);
        assert.is(scene.device.image.installCalls, 1);
        assert.ok(scene.events.some(e => e.type === 'ota.state.recovered' && e.from === 'previous'));
      }),
    );
    if (done) return;
  }
});

test.run();
