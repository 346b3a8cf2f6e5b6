/** The process of `parse-apart.ts`: one job and one answer, after which it is ended from outside. */
import { constants, setPriority } from 'node:os';
import type { SourceFile } from '../ports/index.ts';
import { type ParseJob, runJob } from './parse-job.ts';

/** A Buffer may arrive as the bare bytes that it was. */
const whole = (file: SourceFile): SourceFile =>
  'refused' in file ? file : { path: file.path, content: Buffer.from(file.content) };

// Where there is one core, checks come first.
setPriority(constants.priority.PRIORITY_LOW);
// Listening keeps it alive until then; it ends by itself when its parent is gone.
process.on('message', (job: ParseJob) => {
  process.send?.({ answer: runJob({ ...job, files: job.files.map(whole) }) });
});
