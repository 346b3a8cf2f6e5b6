import { Cursor } from './cursor.ts';
import { Rejection } from './rejection.ts';
import { malformed, readAttributes, type SignerBlock, type VerifiedSigner, verifySigner } from './signer.ts';

/** Android's own limit. It keeps hostile APKs from making installs slow. */
const MAX_SIGNERS = 10;
/** Id of the attribute that names a newer scheme of the same APK, so that its removal is noticed. */
const STRIPPING_PROTECTION_ID = 0xbeeff00d;
const SCHEME_V3 = 3;
/** The first SDK that supports v3 and so notices when it is missing. */
const FIRST_V3_SDK = 28;

/**
 * Verifies every v2 signer as a device of `sdk` does. For SDK 28 and later, call it only if there is
 * no v3 block. Returns the signers in the APK's order, at least one.
 * Source: https://source.android.com/docs/security/features/apksigning/v2
 */
export function verifyV2(block: Buffer, sdk: number): [VerifiedSigner, ...VerifiedSigner[]] | Rejection {
  const outer = new Cursor(block);
  const list = outer.slice();
  const signers: VerifiedSigner[] = [];
  while (list.remaining > 0) {
    const name = `v2 signer ${signers.length + 1}`;
    if (signers.length === MAX_SIGNERS) {
      return new Rejection('too_many_signers', `the v2 block has more than ${MAX_SIGNERS} signers`);
    }
    const signer = verifyOne(list.prefixed(), name, sdk);
    if (signer instanceof Rejection) return signer;
    signers.push(signer);
  }
  if (outer.overrun) return malformed('the v2 block', 'its list of signers is cut short');
  const [first, ...others] = signers;
  if (first === undefined) return new Rejection('no_signers', 'the v2 block has no signers');
  return [first, ...others];
}

function verifyOne(bytes: Buffer, name: string, sdk: number): VerifiedSigner | Rejection {
  const cursor = new Cursor(bytes);
  const block: SignerBlock = {
    name,
    signedData: cursor.prefixed(),
    signatures: cursor.slice(),
    publicKey: cursor.prefixed(),
  };
  if (cursor.overrun) return malformed(name, 'it is cut short');
  const signer = verifySigner(block, sdk);
  if (signer instanceof Rejection) return signer;
  const attributes = readAttributes(signer.rest.slice());
  if (attributes === undefined) return malformed(name, 'its attributes are cut short');
  for (const { id, value } of attributes) {
    if (id !== STRIPPING_PROTECTION_ID) continue;
    const scheme = new Cursor(value);
    const named = scheme.u32();
    if (scheme.overrun) return malformed(name, 'its stripping protection is cut short');
    if (named === SCHEME_V3 && sdk >= FIRST_V3_SDK) {
      return new Rejection(
        'v3_stripped',
        `${name} says that the APK was also signed with v3, but the v3 signature is missing`,
      );
    }
  }
  return signer;
}
