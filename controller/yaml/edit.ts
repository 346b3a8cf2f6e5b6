/**
 * Edits release files and keeps the author's comments, order, quotes and columns. Pure: text in, text out. The wanted
 * values are compared with the present ones, and only the differences are spliced in.
 */
import { isMap, parseDocument, visit } from 'yaml';
import { Fault } from '../domain/fault.ts';
import { meaningOf, nextStep, type YamlMap, type YamlValue } from './difference.ts';
import { splice } from './splice.ts';

/** New values of keys. A nested value is given whole; `undefined` removes the key. */
export type Fields = Readonly<Record<string, YamlValue | undefined>>;

/** The keys of each kind of file in the order of SPEC §2, which decides where a missing key is inserted. */
const ROLLOUT_KEYS = [
  'apiVersion',
  'kind',
  'current',
  'last_safe',
  'rollout_percent',
  'ramp',
  'cohort_seed',
  'canary',
  'rollback',
  'force_downgrade',
  'must_install',
  'deadline',
  'wifi_only',
  'min_battery_percent',
  'suspend',
  'reason',
] as const;
const POLICY_KEYS = [
  'apiVersion',
  'kind',
  'allowed_percents',
  'max_jump_percent',
  'pinned_signers',
  'freeze_windows',
  'approvals',
] as const;

type RolloutKey = (typeof ROLLOUT_KEYS)[number];
export type RolloutFields = { readonly [key in RolloutKey]?: YamlValue | undefined };
export type PolicyFields = { readonly [key in (typeof POLICY_KEYS)[number]]?: YamlValue | undefined };

export const editRollout = (text: string, fields: RolloutFields): string =>
  edit('rollout.yaml', text, fields, ROLLOUT_KEYS);

/** Edits any file under `releases/`; `file` is its path there. New keys of a build come last. */
export function editFile(file: string, text: string, fields: Fields): string {
  if (file === 'rollout.yaml') return edit(file, text, fields, ROLLOUT_KEYS);
  if (file === 'policy.yaml') return edit(file, text, fields, POLICY_KEYS);
  const { contents } = parseDocument(text);
  const keys = isMap(contents) ? contents.items.map(p => String(p.key)) : [];
  return edit(file, text, fields, [...keys, ...Object.keys(fields)]);
}

/** Each step parses the file again. An edit with more steps rewrites the file instead. */
const MOST_STEPS = 200;

/**
 * The text with these keys changed. The result is parsed again and compared. Values that cannot be spliced (a value
 * shared by an alias, a map in a list) are written by the Document API, which keeps comments but may move spaces.
 * Fault `edit_impossible` if the text is not one YAML mapping.
 */
function edit(file: string, text: string, fields: Fields, order: readonly string[]): string {
  const impossible = (why: string): Fault =>
    new Fault('edit_impossible', `${file} cannot be edited: ${why}`, { retry: 'never' });
  const document = parseDocument(text);
  const first = document.errors[0];
  if (first !== undefined) throw impossible(first.message.split('\n')[0] ?? 'it is not YAML');
  if (!isMap(document.contents)) throw impossible('it is not a mapping of keys');
  const all = Object.entries({ ...(document.toJS() as YamlMap), ...fields });
  const wanted = Object.fromEntries(
    all.filter((entry): entry is [string, YamlValue] => entry[1] !== undefined),
  );
  const spliced = spliceAll(text, wanted, order);
  if (spliced !== undefined) return spliced;
  const rewritten = rewrite(text, fields);
  if (meaningOf(valuesOf(rewritten)) !== meaningOf(wanted))
    throw impossible('the edited text does not read back as intended; edit it by hand');
  return rewritten;
}

/** Undefined if the text is not one mapping. */
function valuesOf(text: string): YamlMap | undefined {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isMap(document.contents)) return undefined;
  return document.toJS() as YamlMap;
}

function spliceAll(text: string, wanted: YamlMap, order: readonly string[]): string | undefined {
  let edited = text;
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    const now = valuesOf(edited);
    if (now === undefined) return undefined;
    const step = nextStep(now, wanted, order);
    if (step === undefined) return edited;
    const next = splice(edited, step);
    if (next === undefined || next === edited) return undefined;
    edited = next;
  }
  return undefined;
}

function rewrite(text: string, fields: Fields): string {
  const document = parseDocument(text);
  visit(document, { Alias: (_key, alias) => document.createNode(alias.toJS(document)) });
  for (const [key, value] of Object.entries(fields))
    if (value === undefined) document.delete(key);
    else document.set(key, document.createNode(value));
  return document.toString({ lineWidth: 0 });
}
