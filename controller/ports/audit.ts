/** Who changed what, and when. */

export interface AuditEntry {
  readonly atMs: number;
  /** `git:<revision>` for merges, `admin:<token name>` for operators. */
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: unknown;
}

export interface AuditStore {
  record(entry: AuditEntry): Promise<void>;
  list(page: { beforeId?: number | undefined; limit: number }): Promise<(AuditEntry & { id: number })[]>;
}
