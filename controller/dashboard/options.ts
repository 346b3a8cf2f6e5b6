/** What the pages need: read models behind ports, the clocks, and what they say about this controller. */
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

export interface DashboardPorts {
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
  /** Undefined where no provider is set. */
  readonly people: People | undefined;
  readonly observe: Observe;
  /** What the gate's counts say of the snapshot's build; without a gate nothing is known. */
  readonly evidence: (snapshot: Snapshot) => Evidence;
  /** What a gate with defaults would say of a plain percent. */
  readonly advice: AdviceSource['advice'];
  /** Effects that wait to be carried out, by topic. */
  readonly waiting: OutboxStore['waiting'];
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly randomBytes: (size: number) => Buffer;
  /** Where desired state comes from, as a person names it; never with a password. */
  readonly source: { readonly name: string; readonly branch: string | undefined };
  /** Browsers reach the pages over https: cookies are then kept to it. */
  readonly secure: boolean;
  /** `https://ota.example`; undefined: whatever host the browser named. */
  readonly origin: string | undefined;
  readonly activeWithinMs: number;
  readonly version: string;
  /** Where people read a pull request; undefined without GitHub. */
  readonly pullUrl: ((number: number) => string) | undefined;
}
