/** The process of `parse-apart.ts`: answers one job and is then killed by its parent. */
import { constants, setPriority } from 'node:os';
import type { SourceFile } from '../ports/index.ts';
import { type ParseJob, runJob } from './parse-job.ts';

/** A Buffer arrives as a plain Uint8Array. */
const whole = (file: SourceFile): SourceFile =>
  'refused' in file ? file : { path: file.path, content: Buffer.from(file.content) };

// On a machine with one core, update checks come first.
setPriority(constants.priority.PRIORITY_LOW);
// The listener keeps the process alive until then. If the parent is gone, the process ends by itself.
process.on('message', (job: ParseJob) => {
  process.send?.({ answer: runJob({ ...job, files: job.files.map(whole) }) });
});
