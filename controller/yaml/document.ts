/** Reads the bytes of one YAML file: plain data with places, or the YAML problems. */
import { isUtf8 } from 'node:buffer';
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
  type YAMLParseError,
} from 'yaml';
import type { ProblemCode } from '../domain/problem.ts';
import { type AmbiguousNumber, ambiguousNumbers } from './number.ts';
import { NO_PLACES, type Place, type Places, placeOf, placesIn } from './place.ts';

/** How many aliases a file may use, and how many nodes they may expand to together. */
const MAX_ALIASES = 20;
const MAX_ALIAS_COUNT = 100;
/** More errors than this in one file are not useful. */
const MAX_ERRORS = 20;

interface YamlProblem extends Place {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint?: string | undefined;
}

interface YamlFile {
  /** Plain JSON-like data; meaningless when there are problems. */
  readonly data: unknown;
  readonly places: Places;
  readonly problems: readonly YamlProblem[];
  readonly ambiguous: readonly AmbiguousNumber[];
}

const broken = (problem: YamlProblem, places = NO_PLACES): YamlFile => ({
  data: undefined,
  places,
  problems: [problem],
  ambiguous: [],
});

const OPTIONS = {
  version: '1.2',
  schema: 'core',
  merge: false,
  strict: true,
  stringKeys: true,
  uniqueKeys: false, // checked below: the parser would compare each key with all earlier ones
  prettyErrors: false, // they would quote the text, which may be a secret
  logLevel: 'error', // 'silent' would also hide a second document
} as const;

/** YAML 1.2, core schema, one document, no tags, few aliases. Never throws on any bytes. */
export function readYaml(content: Buffer): YamlFile {
  const bad = firstBadByte(content);
  if (bad !== undefined)
    return broken({
      ...bad,
      code: 'not_utf8',
      message: 'this file is not UTF-8 text',
      hint: 'save it as UTF-8',
    });
  const text = new TextDecoder('utf-8').decode(content);
  const counter = new LineCounter();
  if (text.startsWith(LFS_POINTER)) return broken(LFS_PROBLEM);
  try {
    const doc = parseDocument(text, { ...OPTIONS, lineCounter: counter });
    const file = readDocument(doc, counter);
    const conflict = file.problems.length > 0 ? conflictIn(text) : undefined;
    return conflict === undefined ? file : broken(conflict);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The parser is recursive; only nesting far beyond our schemas can exhaust the stack.
    return broken({ line: 1, column: 1, code: 'yaml_syntax', message: 'nested too deeply' });
  }
}

const LFS_POINTER = 'version https://git-lfs.github.com/spec/';
const LFS_PROBLEM: YamlProblem = {
  line: 1,
  column: 1,
  code: 'yaml_syntax',
  message: 'this is a Git LFS pointer, not the file',
  hint: 'take the release files out of Git LFS (.gitattributes) and commit them as plain text',
};

/** Git writes its markers at the start of a line. A line of a valid file never starts with them. */
function conflictIn(text: string): YamlProblem | undefined {
  const lines = text.split('\n');
  const begin = lines.findIndex(line => /^<{7}( |\r?$)/.test(line));
  const isWhole = lines.some((line, index) => index > begin && /^>{7}( |\r?$)/.test(line));
  if (begin === -1 || !isWhole) return undefined;
  return {
    line: begin + 1,
    column: 1,
    code: 'yaml_syntax',
    message: 'unresolved merge conflict',
    hint: 'resolve it and remove the lines that begin with <<<<<<<, ======= and >>>>>>>',
  };
}

function readDocument(doc: Document.Parsed, counter: LineCounter): YamlFile {
  const places = placesIn(doc, counter);
  const tooDeep = doc.errors.find(isTooDeep);
  if (tooDeep !== undefined) return broken(syntaxProblem(tooDeep, counter));
  const problems = [
    ...oncePerPlace(doc.errors.slice(0, MAX_ERRORS).map(e => syntaxProblem(e, counter))),
    ...checkNodes(doc, counter),
  ];
  if (doc.directives.yaml.explicit === true && doc.directives.yaml.version !== '1.2')
    problems.push({
      ...placeOf(counter, 0),
      code: 'yaml_syntax',
      message: 'only YAML 1.2 is supported',
      hint: 'remove the %YAML directive',
    });
  if (problems.length > 0) return { data: undefined, places, problems, ambiguous: [] };
  if (doc.contents === null || places.source([]) === '')
    return broken({ line: 1, column: 1, code: 'yaml_empty', message: 'this file is empty' });
  try {
    const data: unknown = doc.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
    return { data, places, problems, ambiguous: ambiguousNumbers(doc) };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    const first = aliases(doc)[0];
    return broken(aliasProblem(first, counter, 'the aliases in this file expand to too many values'), places);
  }
}

/** One mistake often breaks several YAML rules at the same character. Only the first is kept. */
const oncePerPlace = (problems: readonly YamlProblem[]): YamlProblem[] =>
  problems.filter(
    (p, index) => index === problems.findIndex(q => q.line === p.line && q.column === p.column),
  );

function syntaxProblem(error: YAMLParseError, counter: LineCounter): YamlProblem {
  const place = placeOf(counter, error.pos[0]);
  switch (error.code) {
    case 'MULTIPLE_DOCS':
      return {
        ...place,
        code: 'yaml_multiple_documents',
        message: 'a file may hold only one YAML document',
        hint: 'move the second one to its own file, or remove the ---',
      };
    case 'TAG_RESOLVE_FAILED':
      return tagProblem(place);
    default:
      return { ...place, code: 'yaml_syntax', message: `not valid YAML: ${plainMessage(error)}` };
  }
}

/** The parser's message, cut before any quotation of the text. */
const plainMessage = (error: YAMLParseError): string =>
  isTooDeep(error)
    ? 'nested too deeply'
    : (error.message.split(/[:\n"]/, 1)[0] ?? '').trim().slice(0, 120) || error.code;

/** The parser is recursive and catches its own stack overflow. */
const isTooDeep = (error: YAMLParseError): boolean => error.message.includes('call stack');

const tagProblem = (place: Place): YamlProblem => ({
  ...place,
  code: 'yaml_tag',
  message: 'YAML tags are not supported',
  hint: 'remove the !tag, and quote the value if it is text',
});

const aliasProblem = (node: Node | undefined, counter: LineCounter, message: string): YamlProblem => ({
  ...placeOf(counter, node?.range?.[0] ?? 0),
  code: 'yaml_alias_limit',
  message,
  hint: 'write the values out',
});

function aliases(doc: Document.Parsed): Node[] {
  const found: Node[] = [];
  visit(doc, { Alias: (_key, node) => void found.push(node) });
  return found;
}

function checkNodes(doc: Document.Parsed, counter: LineCounter): YamlProblem[] {
  const used = aliases(doc);
  // Resolving an alias searches the whole file, so count them first.
  if (used.length > MAX_ALIASES)
    return [aliasProblem(used[MAX_ALIASES], counter, `this file uses more than ${MAX_ALIASES} aliases`)];
  const problems: YamlProblem[] = [];
  visit(doc, {
    Node: (_key, node, ancestors) => {
      if (problems.length >= MAX_ERRORS) return visit.BREAK;
      if (isAlias(node)) problems.push(...checkAlias(node, doc, ancestors, counter));
      else if (isNode(node) && node.tag !== undefined)
        problems.push(tagProblem(placeOf(counter, node.range?.[0] ?? 0)));
      if (isMap(node)) problems.push(...duplicateKeys(node, counter));
      return undefined;
    },
  });
  return problems.slice(0, MAX_ERRORS);
}

function* checkAlias(
  alias: Alias,
  doc: Document.Parsed,
  ancestors: readonly unknown[],
  counter: LineCounter,
): Generator<YamlProblem> {
  const target = alias.resolve(doc);
  if (target === undefined)
    yield {
      ...placeOf(counter, alias.range?.[0] ?? 0),
      code: 'yaml_syntax',
      message: 'not valid YAML: no anchor with this name comes before it',
      hint: 'quote the value if the * is part of it',
    };
  else if (ancestors.includes(target))
    yield aliasProblem(alias, counter, 'this alias refers to a value that contains it');
}

function* duplicateKeys(map: YAMLMap, counter: LineCounter): Generator<YamlProblem> {
  const seen = new Set<unknown>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value))
      yield {
        ...placeOf(counter, key.range?.[0] ?? 0),
        code: 'yaml_duplicate_key',
        message: 'duplicate key',
        hint: 'remove one of the two',
      };
    seen.add(key.value);
  }
}

function firstBadByte(content: Buffer): Place | undefined {
  if (isUtf8(content)) return undefined;
  let line = 1;
  let start = 0;
  while (start < content.length) {
    const newline = content.indexOf(0x0a, start);
    const end = newline === -1 ? content.length : newline;
    const bytes = content.subarray(start, end);
    if (!isUtf8(bytes)) return { line, column: new TextDecoder().decode(bytes).indexOf('\ufffd') + 1 };
    start = end + 1;
    line++;
  }
  return { line, column: 1 };
}
