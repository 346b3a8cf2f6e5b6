/** Reads the rollout, builds and audit, and triggers reconcile (SPEC §6). No route edits a rollout: only Git does. */
import type * as Api from '../../../schemas/api.d.ts';
import { adoptionOf } from '../../domain/adoption.ts';
import type { Snapshot } from '../../domain/decision.ts';
import { subjectOf } from '../../domain/progress.ts';
import type { Build } from '../../domain/release.ts';
import type { Counted, FleetCounts } from '../../ports/index.ts';
import { readJson } from '../body.ts';
import type { Contract } from '../contract.ts';
import { isoTime } from '../iso-time.ts';
import type { Http } from '../options.ts';
import { Refusal } from '../problem.ts';
import type { Route, RouteBuilder } from '../route.ts';
import { audited } from './audited.ts';
import { isRowId, pageOf } from './page.ts';
import { progressOnWire, resultsOnWire } from './progress-view.ts';
import { buildOnWire, exposureNow, gapsOnWire, rolloutOnWire, statusOnWire } from './views.ts';

export function releaseRoutes(http: Http, builder: RouteBuilder, contract: Contract): Route[] {
  const { picture, clock, devices, outcomes, artifacts, audit, reconciler, progress, gate } = http.ports;

  const needSnapshot = (): Snapshot => {
    if (picture.snapshot === undefined)
      throw new Refusal('not_ready', 'no release has been applied yet', { retryAfterS: 10 });
    return picture.snapshot;
  };

  const roleOf = (snapshot: Snapshot, build: Build): Api.BuildRow['role'] =>
    build.buildId === snapshot.current.buildId
      ? 'current'
      : build.buildId === snapshot.lastSafe?.buildId
        ? 'last_safe'
        : null;

  async function buildRow(snapshot: Snapshot, build: Build, counts: FleetCounts): Promise<Api.BuildRow> {
    const results = await outcomes.counts(build.buildId);
    const adoption = adoptionOf(build, counts);
    return {
      ...buildOnWire(build),
      role: roleOf(snapshot, build),
      stored: await artifacts.has(build.sha256),
      running_devices: adoption.devices,
      adoption_ratio: adoption.ratio,
      results: resultsOnWire(results),
      downloads: await outcomes.downloadStats(build.buildId),
    };
  }

  const progressView = async (counted: Counted): Promise<Api.Progress> =>
    progressOnWire(
      counted,
      await outcomes.counts(subjectOf(counted.picture).buildId, counted.picture.appliedAtMs),
      http.settings.activeWithinMs,
    );

  return [
    builder.admin('GET', '/v1/rollout', 'read', async ctx => {
      // Also answers before the first revision is applied, so that its problems can be read.
      const counted = await progress.recent();
      const { snapshot } = picture;
      const nowMs = clock.nowMs();
      const counts = await devices.counts(nowMs, http.settings.activeWithinMs);
      const status = reconciler.status();
      const adoption = snapshot === undefined ? undefined : adoptionOf(snapshot.current, counts);
      const view: Api.RolloutView = {
        revision: snapshot?.revision ?? null,
        applied_at: isoTime(snapshot?.appliedAtMs),
        rollout: snapshot === undefined ? null : rolloutOnWire(snapshot.rollout),
        exposure: snapshot === undefined ? null : exposureNow(snapshot, gate.advice(), nowMs),
        fleet: {
          enrolled: counts.enrolled,
          active: counts.active,
          running_current: adoption?.devices ?? 0,
          adoption_ratio: adoption?.ratio ?? 0,
          active_window_s: http.settings.activeWithinMs / 1000,
          check_in_gaps: gapsOnWire(devices.checkInGaps(), http.settings.pollIntervalS),
        },
        progress: counted === undefined ? null : await progressView(counted),
        missing_artifacts: [...(snapshot?.missingArtifacts ?? [])],
        reconcile: statusOnWire(status, nowMs),
      };
      ctx.body = view;
    }),

    builder.admin('GET', '/v1/builds', 'read', async ctx => {
      const snapshot = needSnapshot();
      const counts = await devices.counts(clock.nowMs(), http.settings.activeWithinMs);
      const builds: Api.BuildRow[] = [];
      for (const build of snapshot.state.builds.values())
        builds.push(await buildRow(snapshot, build, counts));
      const list: Api.BuildList = {
        revision: snapshot.revision,
        active_devices: counts.active,
        builds,
      };
      ctx.body = list;
    }),

    builder.admin('GET', '/v1/events', 'read', async ctx => {
      const { after: before, limit } = pageOf(ctx, 'before', isRowId);
      const rows = await audit.list({ beforeId: before === undefined ? undefined : Number(before), limit });
      const list: Api.EventList = {
        events: rows.map(row => ({
          id: row.id,
          at: isoTime(row.atMs),
          actor: row.actor,
          action: row.action,
          subject: row.subject,
          detail: row.detail ?? null,
        })),
        next_before: rows.length === limit ? (rows.at(-1)?.id ?? null) : null,
      };
      ctx.body = list;
    }),

    builder.admin('POST', '/v1/reconcile', 'reconcile', async (ctx, admin) => {
      const given = (await readJson(ctx, http.settings.jsonMaxBytes, true)) ?? {};
      const { wait = true, accept_rewrite } = contract.check('ReconcileRequest', given);
      if (accept_rewrite !== undefined)
        await audited(http, admin, 'reconcile.accept_rewrite', accept_rewrite);
      // Only this pass accepts the rewrite, so the request always waits for it.
      if (!wait && accept_rewrite === undefined) {
        reconciler.wake();
        ctx.status = 202;
        ctx.body = statusOnWire(reconciler.status(), clock.nowMs());
        return;
      }
      const status = await reconciler.run(
        accept_rewrite === undefined ? {} : { acceptRewrite: accept_rewrite },
      );
      ctx.body = statusOnWire(status, clock.nowMs());
    }),
  ];
}
