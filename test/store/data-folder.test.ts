/**
 * A data folder made by 0.1 goes on under today's code. Opening it runs every migration there is, so a later migration
 * is tested over the same folder. What a migration changes on purpose is changed in this file, with the migration;
 * facts.json and the database are never made again (test/fixtures/installation-0.1/README.md).
 */
import { hash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse, stringify } from 'yaml';
import { effectivePercent } from '../../controller/domain/decision.ts';
import { MINUTE_MS } from '../../controller/domain/duration.ts';
import { nudgeKey, verifyNudge } from '../../controller/domain/nudge/message.ts';
import { nextStepOf } from '../../controller/domain/ramp/forecast.ts';
import { isSuspended, percentAt } from '../../controller/domain/ramp/progress.ts';
import { DATABASE_FILE } from '../../controller/store/folder.ts';
import { openKnex } from '../../controller/store/sqlite.ts';
import { openStore, type Store } from '../../controller/store/store.ts';
import { call } from '../support/http.ts';
import {
  type Facts,
  type Installation,
  MOMENTS,
  type Moment,
  restarted,
  withInstallation,
} from '../support/installation.ts';
import { DAY_MS, HOUR_MS } from '../support/state.ts';
import { standingOf } from '../support/store.ts';

const BUILD = 'b42';

const opened = <T>(
  moment: Moment,
  use: (store: Store, facts: Facts, folder: string) => Promise<T>,
): Promise<T> =>
  withInstallation(moment, async ({ facts, folder }) => {
    const store = await openStore({ folder, nowMs: () => facts.stoppedAtMs });
    try {
      return await use(store, facts, folder);
    } finally {
      await store.close();
    }
  });

async function rows<T>(folder: string, sql: string): Promise<T[]> {
  const db = openKnex(path.join(folder, DATABASE_FILE), ['query_only = ON'], 1);
  try {
    return (await db.raw(sql)) as T[];
  } finally {
    await db.destroy();
  }
}

/** As facts.json has it: what is undefined is not there. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

for (const moment of MOMENTS) {
  test(`${moment}: no table has lost a row, and the file is sound`, () =>
    opened(moment, async (_store, facts, folder) => {
      for (const [table, count] of Object.entries(facts.rows)) {
        const [row] = await rows<{ count: number }>(folder, `select count(*) as count from ${table}`);
        assert.is(row?.count, count, table);
      }
      assert.equal(await rows(folder, 'pragma integrity_check'), [{ integrity_check: 'ok' }]);
      assert.equal(await rows(folder, 'pragma foreign_key_check'), []);
    }));

  test(`${moment}: the applied revision, the last attempt and the builds that once were`, () =>
    opened(moment, async ({ desired }, facts) => {
      const applied = await desired.applied();
      const attempted = await desired.attempted();
      assert.ok(applied !== undefined && attempted !== undefined);
      const { rollout, builds } = applied.state;
      assert.equal(
        {
          revision: applied.revision,
          treeHash: applied.treeHash,
          appliedAtMs: applied.appliedAtMs,
          current: rollout.current,
          lastSafe: rollout.lastSafe,
          builds: [...builds.keys()],
          formerBuilds: [...applied.formerBuilds.keys()],
        },
        facts.applied,
      );
      assert.equal(
        { revision: attempted.revision, codes: attempted.problems.map(p => p.code) },
        facts.attempted,
      );
      assert.is(percentAt(rollout, applied.progress), facts.ramp.percent);
    }));

  test(`${moment}: every device with its tags, generation and what it said last`, () =>
    opened(moment, async ({ devices }, facts) => {
      const listed = await devices.list({ limit: 1_000 });
      assert.equal(
        listed.map(d => d.deviceId),
        facts.devices.map(d => d.deviceId),
      );
      for (const [index, fact] of facts.devices.entries()) {
        const { tokenSha256, pushToken, previousUntilMs = 0, ...said } = fact;
        const { buildId, hasPushToken, signer, ...row } = plain(listed[index]) ?? {};
        assert.equal(row, said, fact.deviceId);
        assert.is(buildId, said.versionCode === undefined ? undefined : `b${said.versionCode}`);
        assert.is(signer, undefined);
        assert.is(hasPushToken, pushToken !== undefined);
        assert.equal(standingOf(devices, fact.deviceId), {
          generation: fact.generation,
          previousUntilMs,
          previousGeneration: previousUntilMs === 0 ? 0 : fact.generation - 1,
          revoked: fact.revokedAtMs !== undefined,
          tags: fact.tags,
        });
        if (tokenSha256 === undefined) continue;
        // An imported token lives as long as its generation, the first, is accepted.
        const accepted = fact.generation === 1 || previousUntilMs > facts.stoppedAtMs;
        assert.is(devices.deviceOfToken(tokenSha256), accepted ? fact.deviceId : undefined);
      }
      const pushed = facts.devices.filter(d => d.pushToken !== undefined && d.revokedAtMs === undefined);
      const scanned = await devices.scan({ limit: 1_000, withPushToken: true });
      assert.equal(
        scanned.map(d => d.pushToken),
        pushed.map(d => d.pushToken),
      );
    }));

  test(`${moment}: an erased device that comes back gets a generation it never had`, () =>
    opened(moment, async ({ devices }, { tokens, stoppedAtMs }) => {
      const { deviceId } = tokens.erased;
      assert.is(devices.auth(deviceId), undefined);
      const [enrolled] = await devices.enrol([{ deviceId, tags: [] }], stoppedAtMs);
      assert.equal(enrolled, { deviceId, generation: 2, created: true, revoked: false });
    }));

  test(`${moment}: promised effects, with their turn and their attempts; those given up stay given up`, () =>
    opened(moment, async ({ outbox }, facts, folder) => {
      const standing = facts.outbox.filter(row => row.gaveUpAtMs === undefined);
      for (const topic of ['nudge', 'github']) {
        const pending = await outbox.pending(topic);
        assert.equal(
          pending.map(({ payload, cursor, ...row }) => row),
          standing.filter(row => row.topic === topic).map(({ lastCode, ...row }) => row),
        );
        for (const row of pending) assert.type(row.payload, 'object');
      }
      const [campaign] = await outbox.pending('nudge');
      assert.is(campaign?.key, facts.campaign?.key);
      assert.equal(JSON.parse(campaign?.cursor ?? 'null'), facts.campaign?.cursor ?? null);
      const gaveUp = await rows(
        folder,
        'select id, last_code, gave_up_at_ms from outbox where gave_up_at_ms is not null order by id',
      );
      assert.equal(
        gaveUp,
        facts.outbox
          .filter(row => row.gaveUpAtMs !== undefined)
          .map(row => ({ id: row.id, last_code: row.lastCode, gave_up_at_ms: row.gaveUpAtMs })),
      );
    }));

  test(`${moment}: outcomes, downloads, adoption, operators, audit and small facts`, () =>
    opened(moment, async (store, facts, folder) => {
      const kept = await rows(
        folder,
        `select outcome, reason, count(*) as attempts from attempts
         where build_id = '${BUILD}' and outcome in ('fail', 'deferred') group by outcome, reason order by 1, 2`,
      );
      assert.equal(kept, facts.outcomes.reasons);
      // Five of them have tried twice.
      const { ok, fail, deferred, skipped } = await store.outcomes.counts(BUILD);
      const [tried] = await rows<{ devices: number }>(
        folder,
        `select count(distinct device_id) as devices from attempts where build_id = '${BUILD}'`,
      );
      assert.equal([ok + fail + deferred + skipped, tried?.devices], [29, 29]);
      assert.equal(await store.outcomes.downloadStats(BUILD), facts.downloads);
      assert.equal(await store.adoption.series(BUILD, 0), facts.adoption);
      const admins = facts.admins.map(({ tokenSha256, ...token }) => token);
      assert.equal(plain(await store.admins.list()), admins);
      for (const { tokenSha256, name } of facts.admins)
        assert.is((await store.admins.find(tokenSha256))?.name, name);
      const audit = await store.audit.list({ limit: 1_000 });
      assert.equal(
        audit.map(row => `${row.actor} ${row.action} ${row.subject}`),
        facts.audit,
      );
      for (const [key, sha256, expiresAtMs] of facts.keyValues) {
        assert.ok(expiresAtMs === null || expiresAtMs > facts.stoppedAtMs);
        assert.is(hash('sha256', (await store.keyValues.get(key)) ?? '').slice(0, 16), sha256, key);
      }
    }));

  test(`${moment}: started without its source, it stands where the stored clock had come to`, () =>
    withInstallation(moment, installation =>
      restarted(installation, async ({ controller, nowMs }) => {
        const { ramp, applied } = installation.facts;
        const { snapshot } = controller.reconcile;
        assert.ok(snapshot !== undefined);
        const { rollout, progress } = snapshot;
        assert.is(snapshot.revision, applied.revision);
        assert.equal([...snapshot.missingArtifacts], []);
        assert.is(percentAt(rollout, progress), 50);
        assert.is(ramp.percent, 50);
        assert.is(isSuspended(rollout, nowMs()), moment === 'suspended');
        assert.is(effectivePercent(snapshot, nowMs()), moment === 'suspended' ? 0 : 50);
        if (ramp.suspendedUntilMs !== undefined)
          assert.is(effectivePercent(snapshot, ramp.suspendedUntilMs), 50);
        const next = nextStepOf(snapshot, nowMs());
        assert.is(next?.percent, 100);
        assert.ok(
          Math.abs((next?.atMs ?? 0) - ramp.nextMs) < 5_000,
          'the next step comes when it would have',
        );
      }),
    ));

  test(`${moment}: devices and operators come in with what they hold, and nobody else does`, () =>
    withInstallation(moment, installation =>
      restarted(installation, async ({ controller }) => {
        const { tokens, adminToken, revokedAdminToken } = installation.facts;
        const check = async (token: string): Promise<number> => {
          const target = '/v1/agent/update?version_code=41&build_id=b41&sdk=33';
          const { status } = await call(controller.url, 'GET', target, { token });
          return status === 204 ? 200 : status;
        };
        for (const [name, { accepted, refused = [] }] of Object.entries(tokens)) {
          for (const token of accepted) assert.is(await check(token), 200, name);
          for (const token of refused) assert.is(await check(token), 401, name);
        }
        // The new token was used above: the one before is dead from then on.
        for (const { accepted } of [tokens.renewing, tokens.importedRenewing]) {
          const [older = '', newer = ''] = accepted;
          assert.equal([await check(older), await check(newer)], [401, 200]);
        }
        const look = (token: string) => call(controller.operatorUrl, 'GET', '/v1/rollout', { token });
        assert.is((await look(adminToken)).status, 200);
        assert.is((await look(revokedAdminToken)).status, 401);
      }),
    ));
}

test('the campaign goes on from its cursor: whom it had not reached is nudged, and nobody twice', () =>
  withInstallation('ramp', installation =>
    restarted(installation, async ({ controller, nudges, nowMs, pass }) => {
      const { campaign, tokens, outbox } = installation.facts;
      assert.ok(campaign !== undefined);
      // The device that the push service sent away has a minute to wait.
      await pass(2 * MINUTE_MS);
      const nudged = nudges.map(n => n.pushToken.slice('fcm:'.length));
      assert.equal([...nudged].sort(), campaign.unreached);
      assert.not(nudged.some(id => campaign.sent.includes(id)));
      assert.equal(await controller.store.outbox.pending('nudge'), []);
      const github = await controller.store.outbox.pending('github');
      const before = outbox.filter(row => row.topic === 'github' && row.gaveUpAtMs === undefined);
      assert.equal(
        github.map(row => row.key),
        before.map(row => row.key),
      );

      // Its new generation was never used: the nudge is signed for the one that it surely has.
      const { deviceId, generation } = tokens.renewing;
      const message = nudges.find(n => n.pushToken === `fcm:${deviceId}`);
      const key = (await readFile(path.join(installation.folder, 'nudge-key'), 'utf8')).trim();
      const verified = (at: number): boolean =>
        verifyNudge(
          nudgeKey(Buffer.from(key, 'hex'), deviceId, at),
          deviceId,
          message?.data ?? {},
          nowMs(),
          () => false,
        ).ok;
      assert.equal([verified(generation - 1), verified(generation)], [true, false]);
    }),
  ));

/** Changes rollout.yaml in the folder that the controller reads. */
async function edit({ releases }: Installation, change: (rollout: Record<string, unknown>) => void) {
  const file = path.join(releases, 'rollout.yaml');
  const rollout = parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  change(rollout);
  await writeFile(file, stringify(rollout));
}

test('a commit that leaves the ramp alone keeps its step and the time in it', () =>
  withInstallation('ramp', async installation => {
    const { ramp, applied } = installation.facts;
    await edit(installation, rollout => {
      rollout.reason = 'another remark';
    });
    const use = { source: installation.releases, laterMs: HOUR_MS };
    await restarted(
      installation,
      async ({ controller, nowMs }) => {
        const { problems } = await controller.reconcile.run();
        const { snapshot } = controller.reconcile;
        assert.ok(snapshot !== undefined);
        assert.equal(
          problems.filter(p => p.severity === 'error'),
          [],
        );
        assert.is.not(snapshot.revision, applied.revision);
        assert.is(snapshot.rollout.reason, 'another remark');
        assert.is(effectivePercent(snapshot, nowMs()), 50);
        const next = nextStepOf(snapshot, nowMs());
        assert.ok(Math.abs((next?.atMs ?? 0) - ramp.nextMs) < 5_000);
      },
      use,
    );
  }));

test('after weeks away the ramp stands in the step it had reached, and opens one at most', () =>
  withInstallation('ramp', installation =>
    restarted(
      installation,
      async ({ controller, nowMs, pass }) => {
        const { snapshot } = controller.reconcile;
        assert.ok(snapshot !== undefined);
        assert.is(percentAt(snapshot.rollout, snapshot.progress), 50);
        const left = (nextStepOf(snapshot, nowMs())?.atMs ?? 0) - nowMs();
        assert.ok(left > 24 * HOUR_MS, 'time away is not time served');
        await pass(HOUR_MS);
        const later = controller.reconcile.snapshot;
        assert.is(percentAt(snapshot.rollout, later?.progress), 50);
      },
      { laterMs: 21 * 24 * HOUR_MS },
    ),
  ));

test('a suspend that is lifted early lets the ramp go on where it stood', () =>
  withInstallation('suspended', async installation => {
    const { ramp } = installation.facts;
    await edit(installation, rollout => {
      delete rollout.suspend;
    });
    const use = { source: installation.releases, laterMs: HOUR_MS };
    await restarted(
      installation,
      async ({ controller, nowMs }) => {
        await controller.reconcile.run();
        const { snapshot } = controller.reconcile;
        assert.ok(snapshot !== undefined);
        assert.is(effectivePercent(snapshot, nowMs()), 50);
        // What an earlier revision had counted of this suspend is not counted again.
        const leftMs = ramp.nextMs - (ramp.suspendedUntilMs ?? 0);
        const next = nextStepOf(snapshot, nowMs());
        assert.ok(Math.abs((next?.atMs ?? 0) - nowMs() - leftMs) < 5_000);
      },
      use,
    );
  }));

test('at the upgrade tokens count as unseen, and their ages are spread over the period of renewal', () =>
  withInstallation('ramp', async ({ facts, folder }) => {
    const store = await openStore({ folder, nowMs: () => facts.stoppedAtMs });
    try {
      const standing = facts.devices.filter(d => d.revokedAtMs === undefined);
      assert.equal([...store.devices.kids()], [[undefined, standing.length]]);
      const ages = standing.map(
        d => facts.stoppedAtMs - (store.devices.auth(d.deviceId)?.tokenIssuedAtMs ?? 0),
      );
      assert.ok(ages.every(age => age >= 0 && age <= 180 * DAY_MS));
      assert.ok(Math.max(...ages) - Math.min(...ages) > 60 * DAY_MS, `${ages.length} devices`);
    } finally {
      await store.close();
    }
  }));

test.run();
