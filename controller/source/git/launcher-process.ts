/** The process of `launcher.ts`: runs Git on request and ends together with its parent. */
import { Fault } from '../../domain/fault.ts';
import { type GitEnd, type GitRun, runGit } from './process.ts';

export type Asked =
  | { readonly id: number; readonly run: Omit<GitRun, 'signal'> }
  | { readonly id: number; readonly stop: true };

export type Answer = { readonly id: number } & (
  | { readonly end: GitEnd }
  | { readonly fault: Pick<Fault, 'code' | 'message' | 'retry'> }
);

const running = new Map<number, AbortController>();

async function answer(id: number, run: Omit<GitRun, 'signal'>): Promise<Answer> {
  const stopping = new AbortController();
  running.set(id, stopping);
  try {
    return { id, end: await runGit({ ...run, signal: stopping.signal }) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { id, fault: { code: error.code, message: error.message, retry: error.retry } };
  } finally {
    running.delete(id);
  }
}

process.on('message', (asked: Asked) => {
  if ('stop' in asked) running.get(asked.id)?.abort();
  else void answer(asked.id, asked.run).then(told => void (process.connected && process.send?.(told)));
});
// A service manager signals all processes of a service. This one ignores the signal and ends with the controller.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => {
  for (const stopping of running.values()) stopping.abort();
});
