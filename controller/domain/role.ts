/** Roles on the dashboard. Each role includes the rights of the ones before it. */
export const ROLES = ['viewer', 'proposer', 'operator'] as const;
export type Role = (typeof ROLES)[number];

/** The highest role of these groups; undefined if none of them is known, so the person has no access. */
export function roleOf(groups: readonly string[], roleByGroup: ReadonlyMap<string, Role>): Role | undefined {
  const ranks = groups.map(group => rankOf(roleByGroup.get(group)));
  return ROLES[Math.max(-1, ...ranks)];
}

const rankOf = (role: Role | undefined): number => (role === undefined ? -1 : ROLES.indexOf(role));
