/** What a person may do on the pages, named by what people do there. Each role may all that the ones before it may. */
export const ROLES = ['viewer', 'proposer', 'operator'] as const;
export type Role = (typeof ROLES)[number];

/** The highest role of these groups; undefined: none of them is known, and the person has no access. */
export function roleOf(groups: readonly string[], roleByGroup: ReadonlyMap<string, Role>): Role | undefined {
  const ranks = groups.map(group => rankOf(roleByGroup.get(group)));
  return ROLES[Math.max(-1, ...ranks)];
}

const rankOf = (role: Role | undefined): number => (role === undefined ? -1 : ROLES.indexOf(role));
