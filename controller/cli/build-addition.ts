/** Decides whether a build can be added to a tree, and which files that writes. */
import { parse } from 'yaml';
import type { ApkFacts } from '../apk/index.ts';
import { normaliseFingerprint } from '../domain/ids.ts';
import { allSigners, type Build, type DesiredState } from '../domain/release.ts';
import { ROLLOUT_FILE } from '../domain/rules/index.ts';
import type { SourceTree } from '../ports/index.ts';
import { acceptable } from './apk-concerns.ts';
import { firstRollout } from './first-rollout.ts';
import { type Io, paint } from './io.ts';
import { judgeHead } from './judging.ts';
import { modelineFor } from './modeline.ts';
import { errorsIn, textOf } from './problem-formats.ts';
import type { Workspace } from './workspace.ts';

interface NewBuild {
  readonly id: string;
  /** The text of `builds/<id>.yaml`. */
  readonly text: string;
  readonly facts: ApkFacts;
}

export interface Addition {
  /** New files by path under `releases/`; none if the build was already declared. */
  readonly files: ReadonlyMap<string, string>;
  /** The desired state including the build; undefined if other files are invalid. */
  readonly state: DesiredState | undefined;
}

/** Does not change an existing file with the same facts. Undefined if the build is refused; the reason is printed. */
export async function judgeAddition(
  workspace: Workspace,
  { id, text, facts }: NewBuild,
  io: Io,
): Promise<Addition | undefined> {
  const colours = paint(io);
  const tree = await workspace.working();
  const relative = `builds/${id}.yaml`;
  const before = await judgeHead(workspace, tree, undefined, io.nowMs());
  const there = tree.files.find(f => f.path === relative);
  const same = there !== undefined && 'content' in there && sameFacts(there.content.toString('utf8'), text);
  if (!acceptable(facts.concerns, same, io)) return undefined;
  if (same) return { files: new Map(), state: before.plan?.head.state };
  if (there !== undefined) {
    io.err(
      `${colours.red('refused')}: ${workspace.shown}/${relative} already exists with other facts [build_facts_edited]\n  a build cannot change: choose another id with --id\n`,
    );
    return undefined;
  }
  const files = new Map([[relative, text], ...(await firstFiles(workspace, tree, id))]);
  const added = [...files].map(([path, content]) => ({ path, content: Buffer.from(content) }));
  const after = await judgeHead(
    workspace,
    { ...tree, files: [...tree.files, ...added] },
    undefined,
    io.nowMs(),
  );
  // Older problems are shown but do not refuse the build, because a build may be added to an incomplete tree.
  const known = new Set(before.problems.map(p => `${p.file} ${p.code} ${p.message}`));
  const fresh = after.problems.filter(p => !known.has(`${p.file} ${p.code} ${p.message}`));
  for (const problem of after.problems)
    if (problem.severity === 'error' || fresh.includes(problem)) io.err(textOf(problem, colours));
  if (errorsIn(fresh) === 0) return { files, state: after.plan?.head.state };
  io.err(
    `${colours.red('refused')}: with this build the desired state would be invalid; nothing was written\n`,
  );
  return undefined;
}

/** If nothing was released yet, the first build also writes the rollout that offers it. */
async function firstFiles(workspace: Workspace, tree: SourceTree, id: string): Promise<[string, string][]> {
  const isFirst = !tree.files.some(f => f.path === ROLLOUT_FILE || f.path.startsWith('builds/'));
  if (!isFirst) return [];
  const cohorts = tree.files.flatMap(f => /^cohorts\/([^/]+)\.yaml$/.exec(f.path)?.[1] ?? []);
  return [[ROLLOUT_FILE, firstRollout(await modelineFor(workspace.dir, 'rollout'), id, cohorts)]];
}

/** The next step for the user. A promotion is suggested only if it is possible. */
export function nextLine({ files, state }: Addition, id: string): string {
  if (files.has(ROLLOUT_FILE)) return '';
  const build = state?.builds.get(id);
  if (state === undefined || build === undefined) return 'next: ota validate\n';
  const { rollout, builds } = state;
  const current = builds.get(rollout.current);
  if (rollout.current === id) return `${id} is already current\n`;
  if (build.withdrawn !== undefined) return `${id} is withdrawn and cannot be promoted\n`;
  if (current !== undefined && !continues(build, current))
    return `${id} is signed with a different key than ${current.buildId}: devices that run ${current.buildId} cannot install it\n`;
  if (current !== undefined && build.versionCode < current.versionCode)
    return `${id} is older than ${current.buildId}; to go back to it: ota rollback --to ${id}\n`;
  return `next: ota promote ${id} --percent 1\n`;
}

/** Whether Android installs `build` over `over`. */
const continues = (build: Build, over: Build): boolean =>
  allSigners(over).every(s => allSigners(build).includes(s) || build.signerLineage.includes(s));

/** Compares every key except `notes` and `withdrawn`. Fingerprints may have either spelling. */
function sameFacts(there: string, text: string): boolean {
  const facts = (yaml: string): string => {
    const { notes: _notes, withdrawn: _withdrawn, ...rest } = (parse(yaml) ?? {}) as Record<string, unknown>;
    const plain = JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
    return plain.replace(/[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31}/g, text => normaliseFingerprint(text) ?? text);
  };
  try {
    return facts(there) === facts(text);
  } catch {
    return false; // the file is not YAML, so its facts differ
  }
}
