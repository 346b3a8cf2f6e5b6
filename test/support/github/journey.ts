/** The whole controller, its Git remote and its GitHub on loopback, with agents that really poll: for journeys. */
import { createHmac, randomUUID } from 'node:crypto';
import * as assert from 'uvu/assert';
import type { Fleet } from '../../../agent/fleet/fleet.ts';
import type { Rollout } from '../../../controller/domain/release.ts';
import { markerOf } from '../../../controller/github/comment.ts';
import { type Journey, withController } from '../controller.ts';
import { withFleet } from '../fleet.ts';
import { call, eventually } from '../http.ts';
import { aState, type StateParts } from '../state.ts';
import { type Hub, TOKEN, withHub } from './hub.ts';
import { inRepository } from './stage.ts';

export { MINUTE_MS } from '../../../controller/domain/duration.ts';

const SECRET = 'the secret that GitHub signs its deliveries with';

export interface PullJourney {
  readonly journey: Journey;
  readonly hub: Hub;
  /** Opens a pull request for this rollout on the branch's present tip and lets GitHub tell of it. */
  propose(
    branch: string,
    rollout: number | Partial<Rollout>,
    more?: Omit<StateParts, 'rollout'>,
  ): Promise<number>;
  /** Merges, delivers the webhook and waits until the revision was judged. */
  merge(pull: number): Promise<string>;
  deliver(event: string): Promise<number>;
  /** Lets everything due be told. */
  settle(): Promise<void>;
  /** Moves everybody's time on, then settles. */
  pass(ms: number): Promise<void>;
  withFleet(ids: readonly string[], use: (fleet: Fleet) => Promise<void>): Promise<void>;
  /** The one console comment. */
  report(pull: number): string;
  notices(pull: number): string[];
  /** Oldest first: `state description`. */
  statuses(sha: string, context: string): string[];
  finals(sha: string): string[];
}

/** Ends by asserting that nothing broke GitHub's contract and that the token was never seen. */
export function withPullRequests(
  use: (pulls: PullJourney) => Promise<void>,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  let movedMs = 0;
  const nowMs = (): number => Date.now() + movedMs;
  return withHub(
    hub => {
      hub.state.git.commit('main', { 'README.md': 'the fleet' }, 'begin');
      return withController(
        async journey => {
          const pulls = drive(journey, hub, ms => {
            movedMs += ms;
          });
          const { builds } = journey;
          const initial = aState({
            rollout: { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } },
            builds: [builds.b41.build, builds.b42.build],
          });
          hub.state.git.commit('main', inRepository(initial), 'the first release');
          await journey.controller.reconcile.run();
          await pulls.settle();
          await use(pulls);
          assert.equal(hub.violations, []);
          assertNoToken(journey, hub);
        },
        {
          settings: {
            OTA_SOURCE: hub.cloneUrl,
            OTA_SOURCE_TOKEN: TOKEN,
            OTA_GITHUB_REPO: 'acme/fleet',
            OTA_GITHUB_URL: hub.apiUrl,
            OTA_GITHUB_TOKEN: TOKEN,
            OTA_GITHUB_WEBHOOK_SECRET: SECRET,
            ...settings,
          },
          runtime: { githubPace: { contentWriteIntervalMs: 0, readRetryMs: 1, timeoutMs: 5_000 } },
        },
      );
    },
    { nowMs },
  );
}

function assertNoToken(journey: Journey, hub: Hub): void {
  const basic = Buffer.from(`x-access-token:${TOKEN}`).toString('base64');
  const seen = JSON.stringify([journey.log, hub.state.comments, hub.state.statuses, hub.state.deployments]);
  for (const secret of [TOKEN, basic, SECRET]) assert.not.ok(seen.includes(secret), 'a secret was seen');
}

function drive(journey: Journey, hub: Hub, move: (ms: number) => void): PullJourney {
  const { state } = hub;
  const settle = async (): Promise<void> => {
    const { controller } = journey;
    await controller.store.devices.flush();
    await controller.tick();
    await controller.outbox.drain();
  };
  const deliver = async (event: string): Promise<number> => {
    const body = Buffer.from(JSON.stringify({ zen: 'Keep it logically awesome.' }));
    const answer = await call(journey.url, 'POST', '/v1/webhooks/github', {
      body,
      type: 'application/json',
      headers: {
        'x-github-event': event,
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
      },
    });
    return answer.status;
  };
  const statuses = (sha: string, context: string): string[] =>
    state
      .statusesOf(sha, context)
      .reverse()
      .map(s => `${s.state} ${s.description}`);
  const named = (pull: number, name: string): string[] =>
    state.commentsOn(pull).flatMap(c => (c.body.startsWith(name) ? [c.body] : []));
  return {
    journey,
    hub,
    settle,
    deliver,
    statuses,
    propose: async (branch, rollout, more = {}) => {
      const { b41, b42 } = journey.builds;
      const files = inRepository(aState({ builds: [b41.build, b42.build], ...more, rollout }));
      const pull = state.propose(branch, files, `Rollout by ${branch}`).number;
      await deliver('pull_request');
      await eventually(() => named(pull, markerOf('console')).length > 0);
      await settle();
      return pull;
    },
    merge: async pull => {
      const revision = state.merge(pull);
      await deliver('push');
      await eventually(() => journey.controller.reconcile.status().attemptedRevision === revision);
      assert.is(journey.controller.reconcile.status().attemptedRevision, revision);
      await settle();
      return revision;
    },
    pass: async ms => {
      move(ms);
      await journey.pass(ms);
      await settle();
    },
    withFleet: (ids, use) =>
      withFleet(journey, ids, async fleet => {
        await fleet.start();
        await use(fleet);
      }),
    report: pull => {
      const found = named(pull, markerOf('console'));
      assert.is(found.length, 1, `one console comment on #${pull}`);
      return found[0] ?? '';
    },
    notices: pull => named(pull, '<!-- nexmdm-ota:notice'),
    finals: sha => statuses(sha, 'ota/rollout').filter(s => !s.startsWith('pending')),
  };
}
