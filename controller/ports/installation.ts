/** Which installation a database belongs to. */
import type { Difference, Known, Recognition } from '../domain/installation.ts';
import type { AuditEntry } from './audit.ts';

export interface InstallationStore {
  /** The same wherever the installation moves. */
  id(): Promise<string>;
  /** One transaction: looks, and learns what was not known. Nothing is learnt while something differs. */
  settle(look: (known: Known) => Recognition): Promise<readonly Difference[]>;
  differing(look: (known: Known) => Recognition): Promise<readonly Difference[]>;
  /** One transaction: makes the database agree, with its audit row. Returns what differed. */
  adopt(
    look: (known: Known) => Recognition,
    audit: (differing: readonly Difference[]) => AuditEntry,
  ): Promise<readonly Difference[]>;
}
