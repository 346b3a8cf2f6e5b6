/** One rendered manifest serves all devices whose offers are alike, and no other device. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decide, type Offer } from '../../../controller/domain/decision.ts';
import { makeManifests } from '../../../controller/http/agent/manifest.ts';
import { aSnapshot, aState, hexOf } from '../../support/state.ts';

const snapshot = aSnapshot(aState({ rollout: 100 }));
const offer = decide(
  snapshot,
  { deviceId: 'kiosk-7', tags: [], versionCode: 41 },
  snapshot.appliedAtMs,
) as Offer;
const options = { publicUrl: 'https://ota.example', pollIntervalS: 21_600 };

test('offers that are alike share one manifest, and each difference makes another', () => {
  const manifests = makeManifests(options, []);
  const first = manifests(snapshot, offer);
  assert.is(manifests(snapshot, { ...offer }), first);
  const changes: [Partial<Offer>, RegExp][] = [
    [{ mustInstall: !offer.mustInstall }, /"must_install":true/],
    [{ forceDowngrade: true }, /"force_downgrade":true/],
    [{ stagedRolloutPercent: 7 }, /"staged_rollout_percent":7,/],
    [{ eligibleBy: 'canary' }, /"eligible_by":"canary"/],
    [{ signerFingerprint: hexOf('other') }, new RegExp(hexOf('other'))],
    [{ build: { ...offer.build, buildId: 'b99' } }, /"build_id":"b99"/],
  ];
  for (const [change, text] of changes) assert.match(manifests(snapshot, { ...offer, ...change }).body, text);
  assert.is(manifests(snapshot, offer).body, first.body);
});

test('another snapshot has manifests of its own', () => {
  const manifests = makeManifests(options, []);
  const first = manifests(snapshot, offer);
  const next = { ...snapshot, revision: 'f'.repeat(40) };
  assert.match(manifests(next, offer).body, new RegExp(`"revision":"${'f'.repeat(40)}"`));
  assert.is(manifests(snapshot, offer).body, first.body);
});

test.run();
