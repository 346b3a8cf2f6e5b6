/** Options of the pages: read models behind ports, clocks, and facts about this controller. */
import type { Snapshot } from '../domain/decision.ts';
import type { Observe } from '../domain/event.ts';
import type { Evidence } from '../domain/gate/evidence.ts';
import type { Role } from '../domain/role.ts';
import type {
  AdminStore,
  AdoptionStore,
  AdviceSource,
  ApprovalSource,
  Artifacts,
  AuditStore,
  Brake,
  Changes,
  DeviceStore,
  HealthSource,
  HistoryStore,
  IdentityProvider,
  OutboxStore,
  OutcomeStore,
  Picture,
  ProgressSource,
  RampStore,
  Reconciler,
  RevisionStore,
  Sessions,
  ShowToken,
  TroubleSource,
} from '../ports/index.ts';

interface DashboardPorts {
  readonly picture: Picture;
  readonly reconciler: Pick<Reconciler, 'status'>;
  readonly progress: Pick<ProgressSource, 'recent' | 'last'>;
  readonly devices: Pick<DeviceStore, 'counts' | 'get' | 'find' | 'auth'>;
  readonly outcomes: Pick<OutcomeStore, 'counts' | 'downloadStats' | 'history'>;
  readonly troubles: TroubleSource;
  readonly adoption: Pick<AdoptionStore, 'hours'>;
  readonly revisions: RevisionStore;
  readonly history: Pick<HistoryStore, 'list'>;
  readonly audit: Pick<AuditStore, 'list' | 'record'>;
  readonly artifacts: Pick<Artifacts, 'has'>;
  /** Undefined without GitHub. */
  readonly approvals: ApprovalSource | undefined;
  readonly ramps: RampStore;
  readonly admins: Pick<AdminStore, 'find'>;
  readonly health: HealthSource;
  readonly sessions: Sessions;
  readonly changes: Changes;
  readonly brake: Brake;
}

/** People who sign in at an OpenID provider instead of with an operator's token. */
export interface People {
  readonly provider: IdentityProvider;
  readonly roleByGroup: ReadonlyMap<string, Role>;
}

export interface DashboardOptions {
  readonly ports: DashboardPorts;
  readonly show: ShowToken;
  /** Undefined if no provider is set. */
  readonly people: People | undefined;
  readonly observe: Observe;
  /** The gate's evidence about the snapshot's build; empty without a gate. */
  readonly evidence: (snapshot: Snapshot) => Evidence;
  /** The verdict of a default gate for a plain percent. */
  readonly advice: AdviceSource['advice'];
  /** Waiting effects by topic. */
  readonly waiting: OutboxStore['waiting'];
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly randomBytes: (size: number) => Buffer;
  /** The source of desired state for display, without a password. */
  readonly source: { readonly name: string; readonly branch: string | undefined };
  /** True if browsers use https; then cookies are `Secure`. */
  readonly secure: boolean;
  /** `https://ota.example`; undefined: the host that the browser sent. */
  readonly origin: string | undefined;
  readonly activeWithinMs: number;
  /** An object store may be sending APKs to devices: a halt does not reach those transfers. */
  readonly redirects: boolean;
  readonly version: string;
  /** The web address of a pull request; undefined without GitHub. */
  readonly pullUrl: ((number: number) => string) | undefined;
}
