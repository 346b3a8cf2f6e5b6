/** How many connections fit into the file descriptors of this process, which Git, the store and APKs need too. */
import { readFileSync } from 'node:fs';

/** Where the limit cannot be read: the least that common systems give. */
const UNKNOWN = 256;
/** More would cost memory, not descriptors: an idle connection takes about 10 KB. */
const MOST_CONNECTIONS = 16_384;

export interface ConnectionLimits {
  /** Of the main listener. */
  readonly main: number;
  /** Of the operators' own listener, which nothing on the main one can use up. */
  readonly operator: number;
  /** Downloads at once: an APK that is not in memory is an open file. */
  readonly downloads: number;
}

/** Of this process, now. Node has raised the soft limit to the hard one when it started. */
export function descriptorLimit(): number {
  try {
    const found = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    if (found !== undefined) return found === 'unlimited' ? Number.POSITIVE_INFINITY : Number(found);
  } catch (error) {
    // Not Linux. The report below knows, and costs a moment.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const report = process.report.getReport() as unknown as {
    userLimits?: { open_files?: { soft?: number | string } };
  };
  const soft = report.userLimits?.open_files?.soft;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : typeof soft === 'number' ? soft : UNKNOWN;
}

const between = (least: number, most: number, n: number): number =>
  Math.max(least, Math.min(most, Math.floor(n)));

/** A quarter stays for Git, the store and the log. With one listener alone it has the operators' share too. */
export function connectionLimits(descriptors: number, split: boolean): ConnectionLimits {
  const reserve = between(64, 512, descriptors / 4);
  const downloads = between(8, MOST_CONNECTIONS, descriptors / 8);
  const operator = between(8, 256, descriptors / 16);
  const main = between(16, MOST_CONNECTIONS, descriptors - reserve - downloads - operator);
  return { main: split ? main : main + operator, operator, downloads };
}
