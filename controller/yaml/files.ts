/** Checks each file of `releases/` separately: is it expected, is it valid YAML, does it match its schema? */

import { type Kind, MAX_FILE_BYTES, MAX_FILES, MAX_TREE_BYTES, roleOf } from '../domain/layout.ts';
import type { Problem, ProblemCode } from '../domain/problem.ts';
import { renderPath } from '../domain/problem.ts';
import { buildFile, ROLLOUT_FILE } from '../domain/rules/index.ts';
import type { SourceFile } from '../ports/index.ts';
import { toBuild, toCohort, toPolicy, toRollout } from './convert.ts';
import type { Declared } from './declared.ts';
import { readYaml } from './document.ts';
import { explain } from './explain.ts';
import type { Places } from './place.ts';
import { schemaErrors } from './schema.ts';
import { findSecrets } from './secrets.ts';
import { checkSingle } from './single.ts';
import { type StrictFinding, strictNumberFinding } from './strictness.ts';
import type { WireBuild, WireCohort, WirePolicy, WireRollout } from './wire.ts';

export interface FileReading {
  readonly declared: readonly Declared[];
  readonly problems: readonly Problem[];
  readonly places: ReadonlyMap<string, Places>;
  /** Files that exist but cannot be used. */
  readonly broken: ReadonlySet<string>;
  /** Findings that are errors only in new content. */
  readonly strictFindings: readonly StrictFinding[];
}

export function readFiles(files: readonly SourceFile[]): FileReading {
  if (files.length > MAX_FILES)
    return nothing(
      whole(
        'too_many_files',
        ROLLOUT_FILE,
        `there are ${files.length} files, but at most ${MAX_FILES} are read`,
      ),
    );
  const declared: Declared[] = [];
  const problems: Problem[] = missingFiles(files);
  const places = new Map<string, Places>();
  const broken = new Set<string>();
  const strictFindings: StrictFinding[] = [];
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const read = readOne(file);
    problems.push(...read.problems);
    if (read.places !== undefined) places.set(file.path, read.places);
    if (read.declared !== undefined) declared.push(read.declared);
    else broken.add(file.path);
    if (read.expectedPath !== undefined) broken.add(read.expectedPath);
    strictFindings.push(...(read.strictFindings ?? []));
  }
  return { declared, problems, places, broken, strictFindings };
}

const nothing = (...problems: Problem[]): FileReading => ({
  declared: [],
  problems,
  places: new Map(),
  broken: new Set(),
  strictFindings: [],
});

/** A problem of a whole file. */
const whole = (code: ProblemCode, file: string, message: string, hint?: string): Problem => ({
  severity: 'error',
  code,
  file,
  line: 1,
  column: 1,
  path: '',
  message,
  hint,
});

/** An empty folder is an error and does not mean "no release", so it cannot end a rollout. */
function missingFiles(files: readonly SourceFile[]): Problem[] {
  if (files.length === 0)
    return [whole('releases_missing', ROLLOUT_FILE, 'the releases folder is missing or empty')];
  if (files.every(f => roleOf(f.path).role === 'ignored'))
    return [whole('releases_empty', ROLLOUT_FILE, 'the releases folder holds no release file')];
  if (files.every(f => f.path !== ROLLOUT_FILE))
    return [
      whole(
        'rollout_missing',
        ROLLOUT_FILE,
        'rollout.yaml is missing',
        'add it at the top of the releases folder',
      ),
    ];
  return [];
}

type Refusal = Extract<SourceFile, { refused: string }>['refused'];

interface OneReading {
  readonly problems: readonly Problem[];
  readonly declared?: Declared;
  readonly places?: Places;
  /** The path that a misnamed file should have. */
  readonly expectedPath?: string;
  readonly strictFindings?: readonly StrictFinding[];
}

function readOne(file: SourceFile): OneReading {
  const role = roleOf(file.path);
  if ('refused' in file) return { problems: [refused(file.path, file.refused)] };
  if (file.content.length > MAX_FILE_BYTES) return { problems: [refused(file.path, 'file_too_large')] };
  const secrets = findSecrets(file.content.toString('utf8')).map(
    ({ what, line, column }): Problem => ({
      ...whole(
        'secret_found',
        file.path,
        `this looks like ${what}`,
        'revoke it now, because everyone who can read the branch may have it; then remove it from the history',
      ),
      line,
      column,
    }),
  );
  // A file with a secret is not checked further, because a message could quote the secret.
  if (secrets.length > 0) return { problems: secrets };
  if (role.role === 'ignored') return { problems: [] };
  if (role.role === 'unexpected')
    return { problems: [whole('unexpected_file', file.path, 'this file is not expected here', role.hint)] };
  return readDeclaration(file.path, role.kind, role.name, file.content);
}

function refused(file: string, why: Refusal): Problem {
  switch (why) {
    case 'symlink':
      return whole('symlink', file, 'symbolic links are not followed', 'put the file itself here');
    case 'not_a_file':
      return whole(
        'unexpected_file',
        file,
        'this is not a regular file',
        'remove it: submodules, pipes and devices are not read',
      );
    case 'file_too_large':
      return whole(
        'file_too_large',
        file,
        `too large: one file may have at most ${MAX_FILE_BYTES / 1024} KiB, and all files together ${MAX_TREE_BYTES / 1024} KiB`,
        'use tags instead of long lists of devices',
      );
  }
}

function readDeclaration(file: string, kind: Kind, name: string, content: Buffer): OneReading {
  const { data, places, problems, ambiguous } = readYaml(content);
  if (problems.length > 0)
    return {
      places,
      problems: problems.map(p => ({ severity: 'error', file, path: '', hint: undefined, ...p })),
    };
  const errors = explain(file, { data, places }, schemaErrors(kind, data));
  // A file with an unknown key can still be used, unless the key is a mistyped one that is now missing.
  const usable = errors.every(e => e.code === 'unknown_key' && !e.hint?.startsWith('did you mean'));
  if (!usable) return { places, problems: errors };
  const singles = checkSingle(kind, name, data);
  const more = singles.map(
    ({ at, code, path, message, hint }): Problem => ({
      severity: 'error',
      code,
      file,
      ...(at === 'key' ? places.key(path) : places.value(path)),
      path: renderPath(path),
      message,
      hint,
    }),
  );
  const value = declare(kind, data);
  const strictFindings = ambiguous.map(number => strictNumberFinding(file, value, number));
  const all = { places, problems: [...errors, ...more], strictFindings };
  if (singles.every(s => s.code !== 'file_name_mismatch')) return { ...all, declared: value };
  return value.kind === 'Build' ? { ...all, expectedPath: buildFile(value.value.buildId) } : all;
}

function declare(kind: Kind, data: unknown): Declared {
  switch (kind) {
    case 'Rollout':
      return { kind, value: toRollout(data as WireRollout) };
    case 'Build':
      return { kind, value: toBuild(data as WireBuild) };
    case 'Cohort':
      return { kind, value: toCohort(data as WireCohort) };
    case 'Policy':
      return { kind, value: toPolicy(data as WirePolicy) };
  }
}
