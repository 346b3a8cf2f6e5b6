/** Which installation a database belongs to. */
import type { Difference, Known, Recognition } from '../domain/installation.ts';
import type { AuditEntry } from './audit.ts';

export interface InstallationStore {
  /** The id stays the same when the installation moves. */
  id(): Promise<string>;
  /** Compares and stores facts that were unknown, in one transaction. Stores nothing while something differs. */
  settle(look: (known: Known) => Recognition): Promise<readonly Difference[]>;
  differing(look: (known: Known) => Recognition): Promise<readonly Difference[]>;
  /** Updates the database to match and writes an audit row, in one transaction. Returns the differences. */
  adopt(
    look: (known: Known) => Recognition,
    audit: (differing: readonly Difference[]) => AuditEntry,
  ): Promise<readonly Difference[]>;
}
