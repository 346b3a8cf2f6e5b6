/** The pages for people: access, views, and live updates. */
import { effectivePercent } from '../domain/decision.ts';
import type { Page, PageAnswer, PageFace } from '../ports/index.ts';
import { makeAccess } from './access.ts';
import { goTo, leaveTo, pageOf, plain } from './answers.ts';
import { readAssets } from './assets.ts';
import { auditView } from './audit-view.ts';
import { buildsView } from './builds-view.ts';
import { changePages } from './change/pages.ts';
import { deviceView } from './devices/device-view.ts';
import { devicesView } from './devices/list-view.ts';
import { documentOf, type FrameFacts, frame, type View } from './frame.ts';
import { healthView, troublesIn } from './health-view.ts';
import { html } from './html.ts';
import { makeLive } from './live.ts';
import { nowView } from './now/view.ts';
import type { DashboardOptions } from './options.ts';
import { revisionsView } from './revisions/view.ts';
import { signInPages } from './sign-in.ts';
import { signInAt } from './sign-in-view.ts';
import type { ViewOf } from './view.ts';

export type { DashboardOptions } from './options.ts';

export interface Dashboard extends PageFace {
  /** Closes the streams of open pages. */
  stop(): void;
}

/** Maximum age of the trouble count in the frame. */
const ATTENTION_MS = 30_000;

export function makeDashboard(options: DashboardOptions): Dashboard {
  const { ports, nowMs } = options;
  const assets = readAssets();
  const access = makeAccess(options);
  const live = makeLive({
    version: () => versionOf(options),
    isGood: async request => (await access.of(request)) !== undefined,
  });

  const attention = makeAttention(options);

  const factsNow = async (): Promise<FrameFacts> => ({
    nowMs: nowMs(),
    status: ports.reconciler.status(),
    source: options.source,
    waiting: (await options.waiting()).reduce((sum, { rows }) => sum + rows, 0),
    activeWithinMs: options.activeWithinMs,
    version: options.version,
    attention: attention.count(),
    live: versionOf(options),
  });

  const view = (name: View, path: string, show: ViewOf): Page => ({
    method: 'GET',
    path,
    answer: async (request): Promise<PageAnswer> => {
      const signedIn = await access.of(request);
      if (signedIn === undefined) {
        const to = signInAt(request.target);
        return request.header('hx-request') === 'true' ? leaveTo(to) : goTo(to);
      }
      const { session } = signedIn;
      const [{ title, main, status }, facts] = await Promise.all([
        show({ request, session, nowMs: nowMs() }),
        factsNow(),
      ]);
      const page = { view: name, title, main, target: request.target };
      return pageOf(frame(assets, facts, session, page), status);
    },
  });

  return {
    pages: [
      assets.page,
      ...signInPages(options, access, assets),
      ...changePages(options, access, async (session, { title, main, status }) => {
        const page = { view: 'now', title, main, target: undefined } as const;
        return pageOf(frame(assets, await factsNow(), session, page), status);
      }),
      {
        method: 'GET',
        path: '/live',
        answer: async request =>
          (await access.of(request)) === undefined ? plain(401, 'signed out') : live.answer(request),
      },
      view(
        'now',
        '/',
        nowView(options, () => versionOf(options)),
      ),
      view('builds', '/builds', buildsView(options)),
      view('revisions', '/revisions', revisionsView(options)),
      view('devices', '/devices', devicesView(options)),
      view('devices', '/devices/:device_id', deviceView(options)),
      view('audit', '/audit', auditView(options)),
      view('health', '/health', healthView(options)),
    ],
    failure: (status, code) =>
      pageOf(
        documentOf(
          assets,
          'Failed',
          html`<main class="wrap" id="main"><section class="card stack-s"><h1>This page could not be made</h1>
<p>The controller answered <code>${code}</code>. Its log says more. Update checks do not depend on these pages.</p>
<p><a href="/">Back to Now</a></p></section></main>`,
        ),
        status,
      ),
    stop: live.stop,
  };
}

/** The cached count, so that a service that does not answer delays no page. */
function makeAttention({ ports, nowMs }: DashboardOptions): { count(): number } {
  let found = 0;
  let askedMs = Number.NEGATIVE_INFINITY;
  return {
    count: () => {
      if (Math.abs(nowMs() - askedMs) >= ATTENTION_MS) {
        askedMs = nowMs();
        ports.health.look().then(
          checks => {
            found = troublesIn(checks);
          },
          () => undefined, // the view itself shows the failure
        );
      }
      return found;
    },
  };
}

/** A short text that changes whenever a page would; compared each second. */
function versionOf({ ports, nowMs }: DashboardOptions): string {
  const { snapshot } = ports.picture;
  const { attemptedRevision, sourceFault, clockHeld, problems } = ports.reconciler.status();
  const counted = ports.progress.last();
  const { seen, running, waiting, held, active, enrolled } = counted?.progress ?? {};
  const judgement = snapshot?.progress?.judgement;
  const parts = [
    snapshot?.revision,
    snapshot && effectivePercent(snapshot, nowMs()),
    snapshot?.halts.map(halt => halt.id),
    judgement?.verdict,
    judgement?.reasons,
    [attemptedRevision, sourceFault, clockHeld, problems.length],
    [seen, running, waiting, held, active, enrolled],
    // Ages such as "2 min ago" change too.
    Math.floor(nowMs() / 60_000),
  ];
  return hashOf(JSON.stringify(parts));
}

/** FNV-1a, 32 bits: only to compare texts, not for security. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(16);
}
