/** Every single bit of small signed APKs, flipped one at a time. */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HINTS } from '../../controller/apk/index.ts';
import { factsOf, type SigningPlan, signZip, testKey, unsignedApk, verdictOf } from '../support/apk/index.ts';

const key = testKey('release');
const next = testKey('release-next');
const PLANS: Record<string, { minSdk: number; plan: SigningPlan }> = {
  v2: { minSdk: 28, plan: { v2: [{ key }] } },
  'v3 with a rotation': { minSdk: 28, plan: { v3: [{ key: next, lineage: [{ key }] }] } },
};
/** Bytes of the signing block that no signature covers and whose change means nothing to Android. */
const FREE = { id: 0x12345678, value: Buffer.alloc(3) };

for (const [name, { minSdk, plan }] of Object.entries(PLANS)) {
  test(`${name}: a flip is caught by the verifier, or by sha256 where no signature reaches`, async () => {
    const apk = signZip(unsignedApk({ versionCode: 1, minSdk }), { ...plan, pairs: [FREE], aligned: false });
    const { sha256, ...facts } = await factsOf(apk);
    const free = apk.indexOf(Buffer.from([0x78, 0x56, 0x34, 0x12]));
    const missed: string[] = [];
    for (let bit = 0; bit < apk.length * 8; bit += 1) {
      const at = bit >> 3;
      flip(apk, bit);
      const verdict = await verdictOf(apk);
      if (verdict.ok) {
        const { sha256: actual, ...rest } = verdict.facts;
        assert.equal(rest, facts, `bit ${bit} changes the facts`);
        assert.is.not(actual, sha256);
        assert.is(actual, createHash('sha256').update(apk).digest('hex'));
        if (at < free || at >= free + 7) missed.push(`byte ${at}`);
      } else {
        assert.ok(verdict.code in HINTS, verdict.code);
      }
      flip(apk, bit);
    }
    assert.equal(missed, []);
  });
}

function flip(bytes: Buffer, bit: number): void {
  bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
}

test.run();
