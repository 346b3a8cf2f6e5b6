/** The pages for people: whether they are served, and the parts they need. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { type Dashboard, makeDashboard } from '../dashboard/dashboard.ts';
import { isLoopback } from '../domain/loopback.ts';
import type {
  ApprovalSource,
  Artifacts,
  Brake,
  Changes,
  HealthSource,
  IdentityProvider,
  PageFace,
  Picture,
  ProgressSource,
  Reconciler,
  ShowToken,
  TroubleSource,
} from '../ports/index.ts';
import type { Settings } from '../settings/settings.ts';
import type { GateWatch } from '../watch/gate.ts';
import type { Foundation } from './foundation.ts';

interface PageParts {
  readonly picture: Picture;
  readonly reconciler: Reconciler;
  readonly progress: ProgressSource;
  readonly gate: Pick<GateWatch, 'known' | 'advice'>;
  readonly health: HealthSource;
  readonly troubles: TroubleSource;
  readonly artifacts: Artifacts;
  readonly changes: Changes;
  readonly brake: Brake;
  /** Undefined if people can sign in only with tokens. */
  readonly provider: IdentityProvider | undefined;
  /** Undefined without GitHub. */
  readonly github: ApprovalSource | undefined;
}

export interface Pages {
  /** For the HTTP face, which checks the tokens. */
  open(show: ShowToken): PageFace;
  /** Ends the streams of open pages. */
  stop(): void;
}

/**
 * Pages are served on the operators' own listener, or if only this machine can connect. A fleet's public address has no
 * sign-in form unless OTA_DASHBOARD asks for it. Behind a proxy, loopback is as public as the proxy.
 */
export function servesPages(settings: Settings): boolean {
  const { OTA_DASHBOARD, OTA_OPERATOR_PORT, OTA_HOST, OTA_TRUSTED_PROXY } = settings;
  return OTA_DASHBOARD ?? (OTA_OPERATOR_PORT !== undefined || (isLoopback(OTA_HOST) && !OTA_TRUSTED_PROXY));
}

/** `fleet/releases` for a remote repository, the folder's name for a local one. */
export function sourceName(source: string): string {
  const parts = source.replace(/\/+$|\.git$/g, '').split(/[/:]/);
  const remote = /^(https?|ssh):|^[^/]+@[^/]+:/.test(source);
  return remote ? parts.slice(-2).join('/') : path.basename(source);
}

const isHttps = (settings: Settings): boolean =>
  settings.OTA_OPERATOR_URL === undefined
    ? settings.OTA_TLS_CERT !== undefined || settings.OTA_TRUSTED_PROXY
    : settings.OTA_OPERATOR_URL.startsWith('https:');

/** Undefined if the pages are not served. */
export function pagesOf(foundation: Foundation, parts: PageParts): Pages | undefined {
  if (!servesPages(foundation.settings)) return undefined;
  let opened: Dashboard | undefined;
  return {
    open: show => {
      opened = dashboardOf(foundation, parts, show);
      return opened;
    },
    stop: () => opened?.stop(),
  };
}

/** The address of GitHub's pages, derived from its API at `api.` or under `/api/v3`. */
function pullUrlOf({ OTA_GITHUB_REPO, OTA_GITHUB_URL }: Settings): ((number: number) => string) | undefined {
  if (OTA_GITHUB_REPO === undefined) return undefined;
  const pages = OTA_GITHUB_URL.replace(/\/api\/v3$/, '').replace('//api.', '//');
  return number => `${pages}/${OTA_GITHUB_REPO}/pull/${number}`;
}

function dashboardOf(foundation: Foundation, parts: PageParts, show: ShowToken): Dashboard {
  const { settings, runtime, nowMs, store } = foundation;
  const repository = /^[a-z+]+:\/\/|^[^/]+@[^/]+:/.test(settings.OTA_SOURCE);
  return makeDashboard({
    ports: {
      picture: parts.picture,
      reconciler: parts.reconciler,
      progress: parts.progress,
      health: parts.health,
      devices: store.devices,
      outcomes: store.outcomes,
      troubles: parts.troubles,
      adoption: store.adoption,
      revisions: store.revisions,
      history: store.history,
      audit: store.audit,
      artifacts: parts.artifacts,
      approvals: parts.github,
      changes: parts.changes,
      brake: parts.brake,
      ramps: store.ramps,
      admins: store.admins,
      sessions: store.sessions,
    },
    show,
    people: parts.provider && {
      provider: parts.provider,
      roleByGroup: settings.OTA_OIDC_ROLES ?? new Map(),
    },
    observe: runtime.observer.observe,
    evidence: snapshot => parts.gate.known(snapshot).evidence,
    advice: parts.gate.advice,
    waiting: store.outbox.waiting,
    nowMs,
    monotonicMs: runtime.monotonicMs,
    randomBytes,
    source: {
      name: sourceName(settings.OTA_SOURCE),
      branch: repository ? settings.OTA_SOURCE_BRANCH : undefined,
    },
    secure: isHttps(settings),
    origin: settings.OTA_OPERATOR_URL === undefined ? undefined : new URL(settings.OTA_OPERATOR_URL).origin,
    activeWithinMs: settings.OTA_ACTIVE_WINDOW,
    redirects: settings.OTA_ARTIFACT_REDIRECT,
    version: runtime.version,
    pullUrl: pullUrlOf(settings),
  });
}
