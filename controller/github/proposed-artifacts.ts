/** The APKs that open pull requests name, kept in the store so that reading them needs no network. */
import { PROPOSED_KEY, type ProposedArtifacts } from '../domain/artifact-use.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { KeyValueStore } from '../ports/index.ts';

interface ProposedArtifactStore {
  /** Stores the APKs that the pull request names in addition to the applied ones. */
  note(pull: number, artifacts: readonly Sha256[]): Promise<void>;
  /** Forgets pull requests that are no longer open. */
  keepOnly(open: readonly number[]): Promise<void>;
}

export function proposedArtifacts(store: Pick<KeyValueStore, 'get' | 'set'>): ProposedArtifactStore {
  const read = async (): Promise<ProposedArtifacts> =>
    JSON.parse((await store.get(PROPOSED_KEY)) ?? '{}') as ProposedArtifacts;

  async function write(before: ProposedArtifacts, after: ProposedArtifacts): Promise<void> {
    const text = JSON.stringify(after);
    if (text !== JSON.stringify(before)) await store.set(PROPOSED_KEY, text);
  }

  return {
    note: async (pull, artifacts) => {
      const before = await read();
      const { [pull]: _, ...others } = before;
      await write(before, artifacts.length === 0 ? others : { ...others, [pull]: artifacts });
    },
    keepOnly: async open => {
      const before = await read();
      const still = new Set(open.map(String));
      await write(before, Object.fromEntries(Object.entries(before).filter(([pull]) => still.has(pull))));
    },
  };
}
