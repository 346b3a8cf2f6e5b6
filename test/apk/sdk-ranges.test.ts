/** Which scheme and signer count on which Android version, and which combinations are refused. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LAST_SDK, type SignerRange, signerForSdk } from '../../controller/apk/index.ts';
import { list, u32 } from '../support/apk/bytes.ts';
import {
  codeOf,
  factsOf,
  fingerprintOf,
  makeApk,
  type SignerPlan,
  type SigningPlan,
  signZip,
  testKey,
  unsignedApk,
} from '../support/apk/index.ts';
import { ATTRIBUTE_IDS, BLOCK_IDS } from '../support/apk/sign.ts';

const key = testKey('release');
const next = testKey('release-next');
const stranger = testKey('stranger');
const from24 = unsignedApk({ versionCode: 1, minSdk: 24 });
const from28 = unsignedApk({ versionCode: 1, minSdk: 28 });
const expectsV3 = { id: ATTRIBUTE_IDS.strippingProtection, value: u32(3) };
const rotatesAt = (sdk: number) => ({ id: ATTRIBUTE_IDS.rotationMinSdk, value: u32(sdk) });
const devRelease = { id: ATTRIBUTE_IDS.devRelease, value: Buffer.alloc(0) };
const badSignature = { signature: () => Buffer.alloc(8) };

const outline = (ranges: readonly SignerRange[]) =>
  ranges.map(({ minSdk, maxSdk, scheme, fingerprint }) => [minSdk, maxSdk, scheme, fingerprint]);

test('v2 counts below SDK 28, v3 to 32 and v3.1 from 33 on', async () => {
  const facts = await factsOf(makeApk({ versionCode: 1, minSdk: 24, key, rotateTo: { key: next } }));
  assert.equal(outline(facts.signers), [
    [24, 27, 'v2', fingerprintOf(key)],
    [28, 32, 'v3', fingerprintOf(key)],
    [33, LAST_SDK, 'v3.1', fingerprintOf(next)],
  ]);
  assert.is(signerForSdk(facts, 23), undefined);
  for (const [sdk, signer] of [
    [24, key],
    [27, key],
    [28, key],
    [32, key],
    [33, next],
    [LAST_SDK, next],
  ] as const) {
    assert.is(signerForSdk(facts, sdk)?.fingerprint, fingerprintOf(signer), `SDK ${sdk}`);
  }
});

test('v3.1 may begin later than SDK 33', async () => {
  const facts = await factsOf(
    makeApk({ versionCode: 1, minSdk: 28, key, rotateTo: { key: next, minSdk: 35 } }),
  );
  assert.equal(outline(facts.signers), [
    [28, 34, 'v3', fingerprintOf(key)],
    [35, LAST_SDK, 'v3.1', fingerprintOf(next)],
  ]);
});

test('a signer for a development release counts one SDK later on a released Android', async () => {
  const v31: SignerPlan = { key: next, minSdk: 34, lineage: [{ key }], attributes: [devRelease] };
  const facts = await factsOf(signZip(from28, { v3: [{ key, attributes: [rotatesAt(34)] }], v31: [v31] }));
  assert.equal(outline(facts.signers), [
    [28, 34, 'v3', fingerprintOf(key)],
    [35, LAST_SDK, 'v3.1', fingerprintOf(next)],
  ]);
});

test('asked for one SDK, only that is judged', async () => {
  const apk = makeApk({ versionCode: 1, minSdk: 26, key, rotateTo: { key: next } });
  for (const [sdk, scheme] of [
    [26, 'v2'],
    [28, 'v3'],
    [33, 'v3.1'],
  ] as const) {
    const facts = await factsOf(apk, sdk);
    assert.equal(facts.schemes, [scheme]);
    assert.equal(
      facts.signers.map(range => [range.minSdk, range.maxSdk]),
      [[sdk, sdk]],
    );
  }
  assert.is(await codeOf(apk, 25), 'incompatible_sdk');
  assert.is(await codeOf(apk, 23), 'incompatible_sdk');
});

test('a newer scheme that does not hold is never replaced by an older one', async () => {
  const broken: SigningPlan = { v2: [{ key }], v3: [{ key, broken: badSignature }] };
  assert.is(await codeOf(signZip(from24, broken)), 'signature_invalid');
  assert.is(await codeOf(signZip(from24, broken), 28), 'signature_invalid');
  assert.is(await codeOf(signZip(from24, broken), 27), 'accepted');
  const broken31: SigningPlan = {
    v3: [{ key }],
    v31: [{ key: next, minSdk: 33, lineage: [{ key }], broken: badSignature }],
  };
  assert.is(await codeOf(signZip(from28, broken31)), 'signature_invalid');
  assert.is(await codeOf(signZip(from28, broken31), 32), 'accepted');
});

test('a device ignores blocks it does not know, broken ones included', async () => {
  const garbage = { id: BLOCK_IDS.v31, value: Buffer.from('garbage') };
  const apk = signZip(from28, { v3: [{ key }], pairs: [garbage] });
  assert.is(await codeOf(apk, 30), 'accepted');
  assert.is(await codeOf(apk), 'signer_malformed');
});

test('only the first pair of an id counts', async () => {
  const second = signZip(from28, {
    v3: [{ key }],
    pairs: [{ id: BLOCK_IDS.v3, value: Buffer.from('garbage') }],
  });
  assert.is(await codeOf(second), 'accepted');
  const first = signZip(from28, {
    v3: [{ key }],
    firstPairs: [{ id: BLOCK_IDS.v3, value: Buffer.from('garbage') }],
  });
  assert.is(await codeOf(first), 'signer_malformed');
});

test('v2_missing: v3 alone does not serve SDK 24 to 27', async () => {
  const apk = signZip(from24, { v3: [{ key }] });
  assert.is(await codeOf(apk), 'v2_missing');
  assert.is(await codeOf(apk, 28), 'accepted');
});

test('v3_stripped: v2 remembers that there was a v3 signature', async () => {
  const stripped = signZip(from24, { v2: [{ key, attributes: [expectsV3] }] });
  assert.is(await codeOf(stripped), 'v3_stripped');
  assert.is(await codeOf(stripped, 28), 'v3_stripped');
  assert.is(await codeOf(stripped, 27), 'accepted', 'Android 8.1 cannot know');
  assert.is(
    await codeOf(signZip(from24, { v2: [{ key, attributes: [{ ...expectsV3, value: u32(4) }] }] })),
    'accepted',
  );
  assert.is(
    await codeOf(
      signZip(from24, { v2: [{ key, attributes: [{ ...expectsV3, value: u32(3).subarray(1) }] }] }),
    ),
    'signer_malformed',
  );
});

test('v31_stripped: v3 remembers from which SDK v3.1 counts', async () => {
  const stripped = signZip(from28, { v3: [{ key, attributes: [rotatesAt(33)] }] });
  assert.is(await codeOf(stripped), 'v31_stripped');
  assert.is(await codeOf(stripped, 32), 'accepted', 'Android 12 cannot know');
  const moved = signZip(from28, {
    v3: [{ key, attributes: [rotatesAt(33)] }],
    v31: [{ key: next, minSdk: 34, lineage: [{ key }] }],
  });
  assert.is(await codeOf(moved), 'v31_stripped');
  assert.is(await codeOf(moved, 34), 'accepted', 'Android 14 goes by v3.1 and never asks');
  const short = { id: ATTRIBUTE_IDS.rotationMinSdk, value: Buffer.alloc(2) };
  assert.is(await codeOf(signZip(from28, { v3: [{ key, attributes: [short] }] })), 'signer_malformed');
});

test('of several v3.1 signers the earliest is the one v3 remembers', async () => {
  const third = testKey('release-third');
  const v31: SignerPlan[] = [
    { key: next, minSdk: 34, maxSdk: 35, lineage: [{ key }] },
    { key: third, minSdk: 36, lineage: [{ key }, { key: next }] },
  ];
  const apk = (sdk: number) =>
    signZip(from28, { v3: [{ key, maxSdk: 33, attributes: [rotatesAt(sdk)] }], v31 });
  const facts = await factsOf(apk(34));
  assert.equal(
    facts.signers.map(range => range.fingerprint),
    [key, next, third].map(fingerprintOf),
  );
  assert.is(await codeOf(apk(36)), 'v31_stripped');
});

test('the content must be what every scheme that counts has signed', async () => {
  const otherContent = { digest: (digest: Buffer) => Buffer.alloc(digest.length) };
  const apk = signZip(from24, { v2: [{ key, broken: otherContent }], v3: [{ key }] });
  assert.is(await codeOf(apk), 'content_digest_mismatch');
  assert.is(await codeOf(apk, 28), 'accepted');
});

test('v31_without_v3', async () => {
  assert.is(await codeOf(signZip(from28, { v31: [{ key, minSdk: 33 }] })), 'v31_without_v3');
  assert.is(await codeOf(signZip(from24, { v2: [{ key }], v31: [{ key, minSdk: 33 }] })), 'v31_without_v3');
});

test('sdk_range_mismatch: the range is signed', async () => {
  for (const broken of [{ signedMinSdk: 29 }, { signedMaxSdk: 40 }]) {
    assert.is(await codeOf(signZip(from28, { v3: [{ key, broken }] })), 'sdk_range_mismatch');
    assert.is(
      await codeOf(signZip(from28, { v3: [{ key, maxSdk: 32 }], v31: [{ key, minSdk: 33, broken }] })),
      'sdk_range_mismatch',
    );
  }
});

test('no_signer_for_sdk: v3 must cover every SDK', async () => {
  assert.is(await codeOf(signZip(from28, { v3: [{ key, minSdk: 29 }] })), 'no_signer_for_sdk');
  assert.is(await codeOf(signZip(from28, { v3: [{ key, maxSdk: 34 }] })), 'no_signer_for_sdk');
  assert.is(
    await codeOf(
      signZip(from28, {
        v3: [
          { key, maxSdk: 30 },
          { key, minSdk: 32 },
        ],
      }),
    ),
    'no_signer_for_sdk',
  );
  assert.is(
    await codeOf(
      signZip(from28, {
        v3: [
          { key, maxSdk: 31 },
          { key, minSdk: 32 },
        ],
      }),
    ),
    'accepted',
  );
});

test('several_signers_for_sdk: only one may cover an SDK', async () => {
  assert.is(
    await codeOf(signZip(from28, { v3: [{ key }, { key: next, minSdk: 30 }] })),
    'several_signers_for_sdk',
  );
  assert.is(
    await codeOf(
      signZip(from28, {
        v3: [{ key }],
        v31: [
          { key, minSdk: 33 },
          { key: next, minSdk: 40, lineage: [{ key }] },
        ],
      }),
    ),
    'several_signers_for_sdk',
  );
});

test('no_signers: an empty list signs nothing', async () => {
  assert.is(await codeOf(signZip(from28, { v2: [] })), 'no_signers');
  assert.is(await codeOf(signZip(from28, { v2: [{ key }], v3: [] })), 'no_signers');
  assert.is(await codeOf(signZip(from28, { v3: [{ key }], v31: [] })), 'no_signers');
});

test('too_many_signers: ten v2 signers hold, eleven do not', async () => {
  const ten = Array<SignerPlan>(10).fill({ key });
  assert.is(await codeOf(signZip(from28, { v2: ten })), 'accepted');
  assert.is(await codeOf(signZip(from28, { v2: [...ten, { key }] })), 'too_many_signers');
  const flood = Array.from({ length: 11 }, (_, index) => ({ key, minSdk: 28 + index, maxSdk: 28 + index }));
  assert.is(await codeOf(signZip(from28, { v3: flood })), 'too_many_signers');
});

test('v2: every signer must hold, not only the first', async () => {
  assert.is(
    await codeOf(signZip(from28, { v2: [{ key }, { key: next, broken: badSignature }] })),
    'signature_invalid',
  );
  const otherContent = { digest: (digest: Buffer) => Buffer.alloc(digest.length) };
  assert.is(
    await codeOf(signZip(from28, { v2: [{ key }, { key: next, broken: otherContent }] })),
    'content_digest_mismatch',
  );
});

test('ranges are joined only when signer, earlier keys and their flags are all the same', async () => {
  const ranges = async (older: SignerPlan, newer: SignerPlan): Promise<number> => {
    const v3 = [
      { ...older, maxSdk: 32 },
      { ...newer, minSdk: 33 },
    ];
    return (await factsOf(signZip(from28, { v3 }))).signers.length;
  };
  const with1: SignerPlan = { key: next, lineage: [{ key, flags: 1 }] };
  assert.is(await ranges(with1, with1), 1);
  assert.is(await ranges(with1, { key: next, lineage: [{ key, flags: 9 }] }), 2);
  assert.is(await ranges(with1, { key: next, lineage: [{ key: stranger, flags: 1 }] }), 2);
  assert.is(await ranges({ key: next }, with1), 2);
});

test('a range with one signer names no co-signers', async () => {
  const [range] = (await factsOf(signZip(from28, { v2: [{ key }] }))).signers;
  assert.not.ok(range === undefined || 'coSigners' in range);
});

test('scheme_unsupported: the hybrid scheme is refused by name where it would count', async () => {
  const apk = signZip(from28, { v3: [{ key }], pairs: [{ id: BLOCK_IDS.v32, value: list([]) }] });
  assert.is(await codeOf(apk), 'scheme_unsupported');
  assert.is(await codeOf(apk, 36), 'accepted');
});

test('signers_unrelated: a newer signer must vouch for the one older devices know', async () => {
  assert.is(await codeOf(signZip(from24, { v2: [{ key }], v3: [{ key: stranger }] })), 'signers_unrelated');
  assert.is(
    await codeOf(signZip(from28, { v3: [{ key }], v31: [{ key: stranger, minSdk: 33 }] })),
    'signers_unrelated',
  );
  const rotated: SignerPlan = { key: next, lineage: [{ key }] };
  assert.is(await codeOf(signZip(from24, { v2: [{ key }], v3: [rotated] })), 'accepted');
  assert.is(
    await codeOf(signZip(from24, { v2: [{ key: next }], v3: [rotated] })),
    'signers_unrelated',
    'v2 is the oldest key',
  );
  assert.is(
    await codeOf(signZip(from24, { v2: [{ key }, { key: next }], v3: [rotated] })),
    'signers_unrelated',
  );
});

test.run();
