/** A change that operators make to many devices at once, and its effect on one of them. Pure. */

export type DeviceChange =
  | { readonly kind: 'tags'; readonly add: readonly string[]; readonly remove: readonly string[] }
  | { readonly kind: 'revoke'; readonly atMs: number }
  | { readonly kind: 'erase' };

/** The tags of a device, each once, in the order in which they were given. */
export const tagsAfter = (before: readonly string[], change: DeviceChange): readonly string[] =>
  change.kind === 'tags'
    ? [...new Set([...before, ...change.add])].filter(tag => !change.remove.includes(tag))
    : before;

/** False if the change would leave the device as it is. */
export function isChangedBy(
  device: { readonly tags: readonly string[]; readonly revoked: boolean },
  change: DeviceChange,
): boolean {
  if (change.kind === 'erase') return true;
  if (change.kind === 'revoke') return !device.revoked;
  const tags = tagsAfter(device.tags, change);
  return tags.length !== device.tags.length || tags.some(tag => !device.tags.includes(tag));
}
