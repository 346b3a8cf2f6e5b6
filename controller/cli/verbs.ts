/** All verbs in the order of the help. A verb is loaded only when it is called, because the help needs only the outline. */
import type { Proposals } from '../ports/index.ts';
import type { Adoptions } from './adopt.ts';
import type { ApkCopies } from './artifact-copy.ts';
import type { Backups } from './backup.ts';
import { OUTLINE, type Outlined } from './outline.ts';
import type { Verb } from './program.ts';
import type { Moves } from './store-copy.ts';

interface Wiring {
  /** If absent, `--open-pr` is refused with what to do instead. */
  readonly proposals: Proposals | undefined;
  readonly backups: Backups;
  readonly moves: Moves;
  readonly apkCopies: ApkCopies;
  readonly adoptions: Adoptions;
}

const VERBS: readonly (readonly [name: string, load: (wiring: Wiring) => Promise<Verb>])[] = [
  ['init', async () => (await import('./init/index.ts')).init],
  ['validate', async () => (await import('./validate.ts')).validate],
  ['plan', async () => (await import('./plan.ts')).plan],
  ['diff', async () => (await import('./diff.ts')).diff],
  ['rehearse', async () => (await import('./rehearse.ts')).rehearse],
  ['promote', async w => (await import('./promote.ts')).promote(w.proposals)],
  ['rollout', async w => (await import('./rollout.ts')).rollout(w.proposals)],
  ['rollback', async w => (await import('./rollback.ts')).rollback(w.proposals)],
  ['ramp', async w => (await import('./ramp.ts')).ramp(w.proposals)],
  ['canary', async w => (await import('./canary.ts')).canary(w.proposals)],
  ['suspend', async w => (await import('./suspend.ts')).suspend(w.proposals)],
  ['unsuspend', async w => (await import('./suspend.ts')).unsuspend(w.proposals)],
  ['withdraw', async w => (await import('./withdraw.ts')).withdraw(w.proposals)],
  ['policy', async w => (await import('./policy.ts')).policy(w.proposals)],
  ['brake', async () => (await import('./brake.ts')).brake],
  ['resume', async () => (await import('./brake.ts')).resume],
  ['status', async () => (await import('./status.ts')).status],
  ['history', async () => (await import('./history.ts')).history],
  ['failures', async () => (await import('./failures.ts')).failures],
  ['explain', async () => (await import('./explain.ts')).explain],
  ['build', async () => (await import('./build.ts')).build],
  ['artifact', async w => (await import('./artifact.ts')).artifact(w.apkCopies)],
  ['device', async () => (await import('./device.ts')).device],
  ['token', async () => (await import('./token.ts')).token],
  ['simulate', async () => (await import('./simulate.ts')).simulate],
  ['reconcile', async () => (await import('./reconcile.ts')).reconcile],
  ['schema', async () => (await import('./schema.ts')).schema],
  ['notify', async () => (await import('./notify.ts')).notify],
  ['clock', async () => (await import('./clock.ts')).clock],
  ['context', async () => (await import('./context.ts')).context],
  ['version', async () => (await import('./version-verb.ts')).version],
  ['completion', async () => (await import('./completion.ts')).completion],
  ['doctor', async () => (await import('./doctor.ts')).doctor],
  ['backup', async w => (await import('./backup.ts')).backup(w.backups)],
  ['restore', async w => (await import('./restore.ts')).restore(w.backups)],
  ['adopt', async w => (await import('./adopt.ts')).adopt(w.adoptions)],
  ['store', async w => (await import('./store-copy.ts')).store(w.moves)],
];

export const allVerbs = (wiring: Wiring): Promise<readonly Verb[]> =>
  Promise.all(VERBS.map(([, load]) => load(wiring)));

/** A placeholder for a verb in the help and in the suggestions for a mistyped verb. It is never run. */
const outlined =
  ({ name, summary, args }: Outlined): Verb =>
  program => {
    program.command(`${name} ${args}`.trim()).summary(summary).option('--help-of-its-own');
  };

/** The verb for shells, which the help does not list. */
const HIDDEN = 'complete';

/** The verb that these arguments name, or else placeholders of all verbs. */
export async function verbsFor(argv: readonly string[], wiring: Wiring): Promise<readonly Verb[]> {
  const words = argv.filter(word => !word.startsWith('-'));
  const named = words[0] === 'help' ? words[1] : words[0];
  if (named === HIDDEN) return [(await import('./complete.ts')).complete(() => allVerbs(wiring))];
  const found = VERBS.find(([name]) => name === named);
  return found === undefined ? OUTLINE.map(outlined) : [await found[1](wiring)];
}
