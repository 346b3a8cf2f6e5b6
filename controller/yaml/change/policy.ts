/** `policy set`: changes the guardrails for later merges. */
import type { PolicyFields } from '../edit.ts';
import type { WirePolicy } from '../wire.ts';
import { type ChangeResult, type EditInput, refuse } from './edit-input.ts';

/** Omitted fields stay as they are; `none` removes a guardrail. */
export interface PolicyChange {
  readonly kind: 'policy';
  readonly allowedPercents?: readonly number[] | 'none' | undefined;
  readonly maxJumpPercent?: number | 'none' | undefined;
  readonly pin?: readonly string[] | undefined;
  readonly unpin?: readonly string[] | undefined;
  readonly approvals?: NonNullable<WirePolicy['approvals']> | 'none' | undefined;
  readonly freeze?: NonNullable<WirePolicy['freeze_windows']> | undefined;
  /** The reasons of the freeze windows to remove. */
  readonly unfreeze?: readonly string[] | undefined;
}

export function changePolicy({ policy }: EditInput, change: PolicyChange): ChangeResult {
  const reasons = (policy?.freeze_windows ?? []).map(w => w.reason);
  const strange = change.unfreeze?.find(reason => !reasons.includes(reason));
  if (strange !== undefined)
    return refuse(
      'unknown_freeze',
      `no freeze window has the reason ${JSON.stringify(strange)}`,
      `reasons of the freeze windows: ${reasons.map(r => JSON.stringify(r)).join(', ') || 'none'}`,
    );
  const pinned = (policy?.pinned_signers ?? []).map(bareHex);
  const loose = change.unpin?.find(signer => !pinned.includes(bareHex(signer)));
  if (loose !== undefined)
    return refuse(
      'unknown_signer',
      `${loose} is not pinned`,
      `pinned signers: ${pinned.join(', ') || 'none'}`,
    );
  const fields: PolicyFields = {
    ...optional('allowed_percents', change.allowedPercents),
    ...optional('max_jump_percent', change.maxJumpPercent),
    ...optional('approvals', change.approvals),
    ...signers(policy, change),
    ...windows(policy, change),
  };
  return {
    ok: true,
    title: `change the policy: ${Object.keys(fields).join(', ').replaceAll('_', ' ')}`,
    edits: [{ file: 'policy.yaml', fields }],
    notes: ['the policy that is merged now decides about this change'],
  };
}

const bareHex = (signer: string): string => signer.replaceAll(':', '').toLowerCase();

const optional = <T>(key: keyof PolicyFields, value: T | 'none' | undefined) =>
  value === undefined ? {} : { [key]: value === 'none' ? undefined : value };

const some = <T>(list: readonly T[]): readonly T[] | undefined => (list.length === 0 ? undefined : list);

function signers(policy: WirePolicy | undefined, { pin, unpin }: PolicyChange): PolicyFields {
  if (pin === undefined && unpin === undefined) return {};
  const gone = new Set(unpin?.map(bareHex));
  const kept = (policy?.pinned_signers ?? []).filter(s => !gone.has(bareHex(s)));
  const fresh = (pin ?? []).filter(s => !kept.some(k => bareHex(k) === bareHex(s)));
  return { pinned_signers: some([...kept, ...fresh]) };
}

function windows(policy: WirePolicy | undefined, { freeze, unfreeze }: PolicyChange): PolicyFields {
  if (freeze === undefined && unfreeze === undefined) return {};
  // A window with the same reason replaces the old one.
  const gone = new Set([...(unfreeze ?? []), ...(freeze ?? []).map(w => w.reason)]);
  const kept = (policy?.freeze_windows ?? []).filter(w => !gone.has(w.reason));
  return { freeze_windows: some([...kept, ...(freeze ?? [])]) };
}
