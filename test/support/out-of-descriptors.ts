/** Uses up all file descriptors, then runs Git: once without any left, once with some. Run by process.test.ts. */
import { closeSync, openSync } from 'node:fs';
import { faultCode } from '../../controller/domain/fault.ts';
import { makeLauncher } from '../../controller/source/git/launcher.ts';
import { runGit } from '../../controller/source/git/process.ts';

const run = { args: ['version'], folder: '/', env: { PATH: process.env.PATH ?? '' }, timeoutMs: 60_000 };
const taken: number[] = [];
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
}
const launcher = makeLauncher();
const code = await runGit(run).then(() => 'started', faultCode);
const launched = await launcher.run(run).then(() => 'started', faultCode);
for (const descriptor of taken) closeSync(descriptor);
const { exitCode } = await runGit(run);
const again = await launcher.run(run);
launcher.close();
process.stdout.write(`${code} ${launched}, then exit codes ${exitCode} ${again.exitCode}\n`);
