/** How many connections fit into the file descriptors of this process, which Git, the store and APKs need too. */
import { readFileSync } from 'node:fs';

/** Used when the limit cannot be read: the lowest limit on common systems. */
const UNKNOWN = 256;
/** More would cost memory, not descriptors: an idle connection takes about 10 KB. */
const MOST_CONNECTIONS = 16_384;

export interface ConnectionLimits {
  /** Of the main listener. */
  readonly main: number;
  /** For the operators' own listener. Nothing on the main listener can use these up. */
  readonly operator: number;
  /** Downloads at once: an APK that is not in memory is an open file. */
  readonly downloads: number;
}

/** The limit of this process now. Node raised the soft limit to the hard one at its start. */
export function descriptorLimit(): number {
  try {
    const found = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    if (found !== undefined) return found === 'unlimited' ? Number.POSITIVE_INFINITY : Number(found);
  } catch (error) {
    // Not Linux. The report below has the limit, but takes a moment.
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

/** A quarter stays for Git, the store and the log. A single listener also gets the operators' share. */
export function connectionLimits(descriptors: number, split: boolean): ConnectionLimits {
  const reserve = between(64, 512, descriptors / 4);
  const downloads = between(8, MOST_CONNECTIONS, descriptors / 8);
  const operator = between(8, 256, descriptors / 16);
  const main = between(16, MOST_CONNECTIONS, descriptors - reserve - downloads - operator);
  return { main: split ? main : main + operator, operator, downloads };
}
