/**
 * Runs many test files in one process, one after the other: for folders whose tests leave nothing behind, where starting
 * a process costs as much as the tests do. Usage: run-together.ts <file> …
 *
 * uvu collects suites in a global queue when UVU_DEFER is set before it loads; here each file gets a queue of its own,
 * so that `run.ts` can judge each file. The last line of a file's part is `@@ {"file", "total", "passed", "skipped", "ms"}`.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** What uvu's runner of one suite answers: errors, passed, skipped, total. */
type Suite = () => Promise<[errors: string | boolean, passed: number, skipped: number, total: number]>;

interface UvuGlobals {
  UVU_DEFER: number;
  UVU_INDEX: number;
  UVU_QUEUE: Suite[][];
}

const globals = globalThis as unknown as UvuGlobals;
globals.UVU_DEFER = 1;
await import('uvu');

for (const file of process.argv.slice(2)) {
  const counts = { file, total: 0, passed: 0, skipped: 0, ms: 0 };
  const sinceMs = performance.now();
  console.log(`@@ begins ${file}`);
  globals.UVU_INDEX = globals.UVU_QUEUE.length;
  globals.UVU_QUEUE.push([]);
  try {
    await import(pathToFileURL(path.resolve(file)).href);
    for (const suite of globals.UVU_QUEUE[globals.UVU_INDEX] ?? []) {
      const [errors, passed, skipped, total] = await suite();
      if (typeof errors === 'string') console.log(errors);
      counts.total += total;
      counts.passed += passed;
      counts.skipped += skipped;
    }
  } catch (error) {
    // The file did not load: told as a failure of this file alone.
    console.log(error);
    counts.total += 1;
  }
  counts.ms = performance.now() - sinceMs;
  console.log(`@@ ${JSON.stringify(counts)}`);
}
