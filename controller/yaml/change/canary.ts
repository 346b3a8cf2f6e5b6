/** `canary add|remove`: which devices are offered `current` at any percentage. */
import { nearest } from '../../domain/nearest.ts';
import type { WireRollout } from '../wire.ts';
import { type ChangeResult, type EditInput, editOf, refuse } from './edit-input.ts';

const LISTS = ['tags', 'devices', 'cohorts'] as const;
type ListName = (typeof LISTS)[number];
/** The singular of each list's name, for messages. */
const NOUN = { tags: 'tag', devices: 'device', cohorts: 'cohort' } as const;

export interface CanaryChange {
  readonly kind: 'canary';
  readonly action: 'add' | 'remove';
  readonly names: { readonly [list in ListName]: readonly string[] };
  readonly reason?: string | undefined;
}

type Lists = { readonly [list in ListName]: readonly string[] };

export function changeCanary(input: EditInput, change: CanaryChange): ChangeResult {
  const now = listsOf(input.wire.canary);
  const trouble = change.action === 'add' ? unknownCohort(input, change) : absent(input, change, now);
  if (trouble !== undefined) return trouble;
  const changed = (list: ListName): readonly string[] =>
    change.action === 'add'
      ? [...new Set([...now[list], ...change.names[list]])]
      : now[list].filter(name => !change.names[list].includes(name));
  // Existing lists keep their order. Empty lists are removed, and the whole key if no list is left.
  const order = [...new Set([...Object.keys(input.wire.canary ?? {}), ...LISTS])] as ListName[];
  const lists = order.map(list => [list, changed(list)] as const).filter(([, names]) => names.length > 0);
  const known = LISTS.flatMap(list => change.names[list].filter(name => now[list].includes(name)));
  const notes = change.action === 'add' && known.length > 0 ? [`${known.join(', ')}: already a canary`] : [];
  return editOf(
    `${change.action} ${namesText(change)} ${change.action === 'add' ? 'to' : 'from'} the canaries`,
    {
      canary: lists.length === 0 ? undefined : Object.fromEntries(lists),
      ...(change.reason === undefined ? {} : { reason: change.reason }),
    },
    notes,
  );
}

const listsOf = (canary: WireRollout['canary']): Lists => ({
  tags: canary?.tags ?? [],
  devices: canary?.devices ?? [],
  cohorts: canary?.cohorts ?? [],
});

function namesText({ names }: CanaryChange): string {
  const parts = LISTS.flatMap(list => names[list].map(name => `${NOUN[list]} ${name}`));
  return parts.length <= 3
    ? parts.join(', ')
    : `${parts.slice(0, 2).join(', ')} and ${parts.length - 2} more`;
}

function unknownCohort({ cohorts }: EditInput, { names }: CanaryChange): ChangeResult | undefined {
  const name = names.cohorts.find(c => !cohorts.has(c));
  if (name === undefined) return undefined;
  const close = nearest(name, cohorts.keys());
  const known = [...cohorts.keys()].sort().join(', ') || 'none';
  return refuse(
    'unknown_cohort',
    `no cohort ${name} is declared under cohorts/`,
    `${close === undefined ? '' : `did you mean ${close}? `}declared cohorts: ${known}`,
  );
}

/** Refuses a name that is not listed, so that a typo does not look like success. The name may be in a cohort's file. */
function absent(
  { rollout, cohorts }: EditInput,
  { names }: CanaryChange,
  now: Lists,
): ChangeResult | undefined {
  for (const list of LISTS)
    for (const name of names[list]) {
      if (now[list].includes(name)) continue;
      const through =
        list === 'cohorts'
          ? undefined
          : rollout.canary.cohorts.find(c => cohorts.get(c)?.[list].includes(name));
      const close = nearest(name, now[list]);
      return refuse(
        'no_canary',
        `${NOUN[list]} ${name} is not listed under canary.${list}`,
        through === undefined
          ? `${close === undefined ? '' : `did you mean ${close}? `}listed: ${now[list].join(', ') || 'none'}`
          : `it is listed in cohorts/${through}.yaml: edit that file, or run: ota canary remove --cohort ${through}`,
      );
    }
  return undefined;
}
