/** The way back is taken on a scratch clone before the merge: with real Git, and the code of `ota rollback`. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota } from '../support/cli.ts';
import { releaseFiles } from '../support/releases.ts';
import { type Repository, withRepository } from '../support/repository.ts';
import { aBuild, aPolicy, aRamp, aState, type StateParts } from '../support/state.ts';

const builds = [aBuild(41), aBuild(42), aBuild(43)];
const full = (build: string): StateParts => ({
  builds,
  rollout: { current: build, lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } },
});
const promoted: StateParts = {
  builds,
  rollout: { current: 'b43', lastSafe: 'b42', exposure: aRamp(undefined, [1, 12], [100]) },
};

const withChange = (
  before: StateParts,
  after: StateParts,
  use: (repository: Repository) => Promise<void>,
): Promise<void> =>
  withRepository(async repository => {
    await repository.commit(releaseFiles(aState(before)));
    await repository.git('branch', 'before');
    await repository.commit(releaseFiles(aState(after)));
    await use(repository);
  });

const REHEARSE = ['rehearse', '--base', 'before'];

/** What is left in the folder for temporary files, which nobody else uses meanwhile. */
async function leavesBehind(folder: string, use: () => Promise<void>): Promise<string[]> {
  const before = process.env.TMPDIR;
  mkdirSync(folder);
  process.env.TMPDIR = folder;
  try {
    await use();
    return readdirSync(folder);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

test('a promotion: the rollback is taken, judged and printed, and nothing of it stays', () =>
  withChange(full('b42'), promoted, async repository => {
    const cwd = repository.folder;
    const head = await repository.git('rev-parse', 'HEAD');
    const left = await leavesBehind(path.join(cwd, '..', 'temporary'), async () => {
      const { code, out, err } = await ota(REHEARSE, { cwd });
      assert.is(code, 0, err);
      assert.match(out, new RegExp(`scratch clone of ${head.slice(0, 12)}: the way back passes`));
      assert.match(out, /ota rollback --reason "…" --open-pr\n +Roll back from b43 to b42/);
      assert.match(out, /git revert -m 1 <merge>\n +Roll back from b43 to b42/);
    });
    assert.is(await repository.git('status', '--porcelain'), '');
    assert.is(await repository.git('rev-parse', 'HEAD'), head);
    assert.equal(left, [], 'the clone is removed');
    const markdown = await ota([...REHEARSE, '--format', 'markdown'], { cwd });
    assert.match(
      markdown.out,
      /\*\*Way back, rehearsed\*\*[\s\S]*- `ota rollback --reason "…" --open-pr`: Roll back/,
    );
  }));

test('uncommitted edits have no part in it, and a linked working tree has the same objects', () =>
  withChange(full('b42'), promoted, async repository => {
    const linked = path.join(repository.folder, '..', 'linked');
    await repository.git('worktree', 'add', '--quiet', '--detach', linked);
    const { code, out, err } = await ota(REHEARSE, { cwd: linked });
    assert.is(code, 0, err);
    assert.match(out, /the way back passes/);
  }));

test('a promotion that leaves no way back fails, with the reason', () =>
  withChange(full('b42'), { ...full('b43'), builds: [aBuild(41), aBuild(43)] }, async repository => {
    const { code, out, err } = await ota(REHEARSE, { cwd: repository.folder });
    assert.is(code, 1);
    assert.match(out, /the way back would be refused: ota rollback --to b42/);
    assert.match(err, /unknown_build/);
    const markdown = await ota([...REHEARSE, '--format', 'markdown'], { cwd: repository.folder });
    assert.match(markdown.out, /> \[!CAUTION\]\n> \*\*The way back would be refused/);
  }));

test('without last_safe the build before it is named', () =>
  withChange(full('b42'), full('b43'), async repository => {
    const { code, out, err } = await ota(REHEARSE, { cwd: repository.folder });
    assert.is(code, 0, err);
    assert.match(out, /ota rollback --to b42 --reason/);
  }));

test('a revert that a withdrawal blocks is reported next to the rollback that works', () =>
  withChange(
    full('b42'),
    {
      ...promoted,
      builds: [
        aBuild(41, { withdrawn: { reason: 'leaks', atMs: Date.UTC(2026, 4, 1) } }),
        aBuild(42),
        aBuild(43),
      ],
    },
    async repository => {
      const { code, out } = await ota(REHEARSE, { cwd: repository.folder });
      assert.is(code, 0);
      assert.match(out, /git revert -m 1 <merge>\n +would be refused: withdrawal_removed/);
    },
  ));

test('no freeze window and no policy of the promoted head keeps the way back shut', () => {
  const always = { reason: 'closed', timeZone: 'UTC', fromMinute: 0, toMinute: 1440 };
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
  const policy = aPolicy({ freezeWindows: [{ ...always, days: [...days] }] });
  return withChange(full('b42'), { ...promoted, policy }, async repository => {
    const { code, out } = await ota(REHEARSE, { cwd: repository.folder });
    assert.is(code, 0, out);
    assert.match(out, /the way back passes/);
  });
});

test('what promotes nothing needs no rehearsal; an invalid head fails', () =>
  withChange(
    promoted,
    { ...promoted, rollout: { ...(promoted.rollout as object), rollback: true } },
    async r => {
      const { code, out } = await ota(REHEARSE, { cwd: r.folder });
      assert.is(code, 0);
      assert.match(out, /nothing to rehearse: this change promotes nothing/);
      await r.commit(releaseFiles(aState({ builds, rollout: { current: 'b99' } })));
      const invalid = await ota(REHEARSE, { cwd: r.folder });
      assert.is(invalid.code, 1);
      assert.match(invalid.err, /unknown_build[\s\S]*no rehearsal: HEAD is invalid/);
      assert.is(invalid.out, '');
    },
  ));

test('a folder outside Git is refused, and a revision that is not there', () =>
  withRepository(async (repository, place) => {
    const outside = await ota(['rehearse', '--base', 'main'], { cwd: place });
    assert.is(outside.code, 2);
    await repository.commit(releaseFiles(aState(full('b42'))));
    const unknown = await ota(['rehearse', '--base', 'main', '--head', 'nowhere'], {
      cwd: repository.folder,
    });
    assert.match(unknown.err, /\[revision_unknown\]/);
  }));

test('the workflow rehearses after the plan and keeps the refusal as the step’s own', () => {
  const text = readFileSync(
    path.resolve(import.meta.dirname, '../../.github/workflows/releases.yml'),
    'utf8',
  );
  assert.match(
    text,
    /rehearse --dir releases --base "\$BASE" --format markdown > \.\.\/report\/back\.md \|\| status=\$\?/,
  );
  assert.match(text, /cat \.\.\/report\/back\.md >> \.\.\/report\/plan\.md/);
  assert.match(text, /exit "\$status"/);
});

test.run();
