/** One file's bytes → plain data with places, or what is wrong with it as YAML. */
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
import { NO_PLACES, type Place, type Places, placeOf, placesIn } from './place.ts';

/** Written aliases a file may use, and nodes they may stand for together. */
const MAX_ALIASES = 20;
const MAX_ALIAS_COUNT = 100;
/** After so many errors in one file the rest says nothing new. */
const MAX_ERRORS = 20;

export interface YamlProblem extends Place {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint?: string | undefined;
}

export interface YamlFile {
  /** Plain JSON-like data; meaningless when there are problems. */
  readonly data: unknown;
  readonly places: Places;
  readonly problems: readonly YamlProblem[];
}

const broken = (problem: YamlProblem, places = NO_PLACES): YamlFile => ({
  data: undefined,
  places,
  problems: [problem],
});

const OPTIONS = {
  version: '1.2',
  schema: 'core',
  merge: false,
  strict: true,
  stringKeys: true,
  uniqueKeys: false, // checked below: the parser compares each key with all before it
  prettyErrors: false, // they would quote the text, which may be a secret
  logLevel: 'error', // silent would also keep quiet about a second document
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
  try {
    const doc = parseDocument(text, { ...OPTIONS, lineCounter: counter });
    return readDocument(doc, counter);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The parser recurses; only nesting far beyond any schema of ours can exhaust the stack.
    return broken({ line: 1, column: 1, code: 'yaml_syntax', message: 'nested too deeply' });
  }
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
      message: 'only YAML 1.2 is read',
      hint: 'remove %YAML',
    });
  if (problems.length > 0) return { data: undefined, places, problems };
  if (doc.contents === null || places.source([]) === '')
    return broken({ line: 1, column: 1, code: 'yaml_empty', message: 'this file is empty' });
  try {
    return { data: doc.toJS({ maxAliasCount: MAX_ALIAS_COUNT }), places, problems };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    const first = aliases(doc)[0];
    return broken(aliasProblem(first, counter, 'the aliases of this file unfold too far'), places);
  }
}

/** One slip often breaks several rules of YAML at the same character; the first says enough. */
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
        message: 'one file holds one document',
        hint: 'move it to a file of its own, or remove the ---',
      };
    case 'TAG_RESOLVE_FAILED':
      return tagProblem(place);
    default:
      return { ...place, code: 'yaml_syntax', message: `not valid YAML: ${plainMessage(error)}` };
  }
}

/** Messages of the parser name tokens and rules; those that quote the text are cut before the quotation. */
const plainMessage = (error: YAMLParseError): string =>
  isTooDeep(error)
    ? 'nested too deeply'
    : (error.message.split(/[:\n"]/, 1)[0] ?? '').trim().slice(0, 120) || error.code;

/** The parser recurses and catches the exhausted stack by itself. */
const isTooDeep = (error: YAMLParseError): boolean => error.message.includes('call stack');

const tagProblem = (place: Place): YamlProblem => ({
  ...place,
  code: 'yaml_tag',
  message: 'tags are not read here',
  hint: 'remove the !tag; quote the value if it should be text',
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
  // Resolving one looks through the whole file: not before they are known to be few.
  if (used.length > MAX_ALIASES)
    return [aliasProblem(used[MAX_ALIASES], counter, `more than ${MAX_ALIASES} aliases in one file`)];
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
      message: 'not valid YAML: no anchor of this name stands before it',
      hint: 'quote the value if the * belongs to it',
    };
  else if (ancestors.includes(target))
    yield aliasProblem(alias, counter, 'an alias inside of what it stands for');
}

function* duplicateKeys(map: YAMLMap, counter: LineCounter): Generator<YamlProblem> {
  const seen = new Set<unknown>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value))
      yield {
        ...placeOf(counter, key.range?.[0] ?? 0),
        code: 'yaml_duplicate_key',
        message: 'this key stands twice in one map',
        hint: 'keep one of them',
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
