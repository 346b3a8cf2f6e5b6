/** Repositories that are large, far away or slow: what is fetched, how a first clone gets there, how a stop gets through. */
import { randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../../controller/domain/fault.ts';
import type { Source } from '../../../controller/ports/index.ts';
import { gitSource } from '../../../controller/source/git/source.ts';
import { type Fate, type Served, withServed } from '../../support/git-served.ts';
import { releaseFiles } from '../../support/releases.ts';
import { gitEnvironment } from '../../support/repository.ts';

const sourceOf = (
  served: Served,
  told: (progress: { commits: number; whole: boolean }) => void = () => undefined,
): Source & { stop(): Promise<void> } =>
  gitSource({
    url: served.url,
    token: served.token,
    dataFolder: path.join(served.place, 'mirrors'),
    environment: gitEnvironment(served.place),
    onCloneStep: told,
  });

const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return 'no fault';
};

/** Ten commits, each with a rollout of its own and a megabyte that no release needs. */
async function grow(served: Served): Promise<string> {
  for (let percent = 1; percent <= 10; percent++) {
    await writeFile(path.join(served.repository.folder, 'video.bin'), randomBytes(300_000));
    await served.repository.commit(releaseFiles({ rollout: percent }));
  }
  served.publish();
  return served.repository.git('rev-parse', 'HEAD');
}

const serve = (): Fate => 'serve';

test('a repository with large files beside the releases: only the releases come', () =>
  withServed(serve, async served => {
    const head = await grow(served);
    const source = sourceOf(served);
    assert.is(await source.head(), head);
    const tree = await source.read(head);
    assert.is(tree.files.length, 3);
    const rollout = tree.files.find(f => f.path === 'rollout.yaml');
    assert.ok(rollout !== undefined && 'content' in rollout);
    assert.match(rollout.content.toString(), 'rollout_percent: 10');
    const bytes = sizeOf(path.join(served.place, 'mirrors'));
    assert.ok(bytes < 300_000, `the mirror has ${bytes} bytes`);
  }));

test('each old version of the rollout can still be read', () =>
  withServed(serve, async served => {
    const head = await grow(served);
    const source = sourceOf(served);
    await source.head();
    const percents: string[] = [];
    for await (const { content } of source.rolloutHistory(head))
      percents.push(/rollout_percent: (\d+)/.exec(content.toString())?.[1] ?? '?');
    assert.equal(percents, ['10', '9', '8', '7', '6', '5', '4', '3', '2', '1']);
  }));

test('what was read once is read again without the host', () => {
  let away = false;
  return withServed(
    () => (away ? 'cut' : 'serve'),
    async served => {
      const head = await grow(served);
      const source = sourceOf(served);
      await source.head();
      const first = await source.read(head);
      away = true;
      assert.is((await source.read(head)).treeHash, first.treeHash);
      const asked = served.asked.length;
      await source.read(head);
      assert.is(served.asked.length, asked, 'reading asked the host for nothing');
    },
  );
});

test('a merge is computed without the files beside the releases', () =>
  withServed(serve, async served => {
    await grow(served);
    const { repository } = served;
    await repository.git('checkout', '--quiet', '-b', 'proposal', 'HEAD~2');
    await writeFile(path.join(repository.folder, 'video.bin'), randomBytes(300_000));
    await repository.commit({ ...releaseFiles({ rollout: 8 }), 'cohorts/lab.yaml': 'a: 1\n' });
    const proposal = await repository.git('rev-parse', 'HEAD');
    served.publish();
    const source = sourceOf(served);
    const main = await served.repository.git('rev-parse', 'main');
    await source.head();
    const merged = await source.merged?.(main, proposal);
    assert.ok(typeof merged === 'object');
    assert.equal(merged.files.map(f => f.path).includes('cohorts/lab.yaml'), true);
    assert.ok(sizeOf(path.join(served.place, 'mirrors')) < 300_000);
  }));

const deepened = (body: string): number =>
  Number(/deepen (\d+?)00[0-9a-f]{2}/.exec(body)?.[1] ?? Number.POSITIVE_INFINITY);
const fetches = (body: string): boolean => body.includes('command=fetch');

test('a first clone that a proxy cuts goes on where it stopped, and governs nothing before it is whole', () => {
  const steps: { commits: number; whole: boolean }[] = [];
  const isWhole = (): boolean => steps.at(-1)?.whole === true;
  return withServed(
    // Nobody gets more than four commits in one answer.
    ({ body }) =>
      fetches(body) && body.includes('want ') && deepened(body) > 4 && !isWhole() ? 'cut' : 'serve',
    async served => {
      const head = await grow(served);
      const source = sourceOf(served, step => steps.push(step));
      let answer: string | undefined;
      let tries = 0;
      while (answer === undefined && tries++ < 20)
        answer = await source.head().catch((error: unknown) => {
          assert.ok(error instanceof Fault && error.retry === 'backoff', String(error));
          return undefined;
        });
      assert.is(answer, head);
      assert.ok(steps.length > 2, 'progress is told');
      assert.is(steps.at(-1)?.whole, true);
      assert.is(steps.at(-1)?.commits, 10);
      let versions = 0;
      for await (const _ of source.rolloutHistory(head)) versions++;
      assert.is(versions, 10, 'the history is whole');
    },
  );
});

test('a stop does not wait for a host that never answers', () => {
  let reached: () => void = () => undefined;
  const hanging = new Promise<void>(resolve => {
    reached = resolve;
  });
  return withServed(
    () => {
      reached();
      return 'hang';
    },
    async served => {
      await grow(served);
      const source = sourceOf(served);
      const looking = codeOf(source.head());
      await hanging;
      await source.stop();
      assert.is(await looking, 'source_stopped');
      assert.is(await codeOf(source.head()), 'source_stopped');
    },
  );
});

test.run();
