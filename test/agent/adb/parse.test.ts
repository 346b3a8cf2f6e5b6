import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  parseBaseApk,
  parseBattery,
  parseCallState,
  parseHasTelephony,
  parseInstall,
  parseUnmeteredWifi,
  parseVersionCode,
} from '../../../agent/adb/parse.ts';
import { BATTERIES, CALLS, INSTALLS, NETWORKS, PACKAGES } from '../../support/agent/adb/replays.ts';

for (const { name, text, means } of BATTERIES)
  test(`dumpsys battery: ${name}`, () => assert.equal(parseBattery(text), means));
for (const { name, text, means } of CALLS)
  test(`dumpsys telephony.registry: ${name}`, () => assert.is(parseCallState(text), means));
for (const { name, text, means } of NETWORKS)
  test(`dumpsys connectivity: ${name}`, () => assert.is(parseUnmeteredWifi(text), means));
for (const { name, text, means } of PACKAGES)
  test(`dumpsys package: ${name}`, () => assert.is(parseVersionCode(text, 'com.nexmdm.agent'), means));
for (const { name, text, means } of INSTALLS)
  test(`pm install: ${name}`, () => {
    const result = parseInstall(text);
    assert.is(result.ok ? 'ok' : result.code, means);
  });

test('pm path: the base APK among its splits', () => {
  assert.is(
    parseBaseApk('package:/data/app/a/split_config.en.apk\npackage:/data/app/a/base.apk\n'),
    '/data/app/a/base.apk',
  );
  assert.is(parseBaseApk('package:/system/app/Agent/Agent.apk\r\n'), '/system/app/Agent/Agent.apk');
  assert.is(parseBaseApk(''), undefined);
});

test('pm list features: a device without a modem, and output that is not a list', () => {
  assert.is(parseHasTelephony('feature:android.hardware.wifi\n'), false);
  assert.is(
    parseHasTelephony('feature:android.hardware.telephony\nfeature:android.hardware.telephony.gsm\n'),
    true,
  );
  assert.is(parseHasTelephony('feature:android.hardware.telephony.ims\n'), false);
  assert.is(parseHasTelephony("Can't find service: package\n"), undefined);
});

test('every replay names where it is from', () => {
  for (const { name, source } of [...BATTERIES, ...CALLS, ...NETWORKS, ...PACKAGES, ...INSTALLS])
    assert.match(source, /^(synthetic$|https?:\/\/)/, name);
});

test('no text cut anywhere is read as permission', () => {
  for (const { text, means } of BATTERIES)
    for (let end = 0; end < text.length; end += 7) {
      const { percent } = parseBattery(text.slice(0, end));
      assert.ok(
        percent === undefined || means.percent === undefined || percent <= Math.max(means.percent, 100),
      );
    }
  for (const { text, means } of NETWORKS)
    for (let end = 0; end < text.length; end += 3)
      if (means !== true) assert.is.not(parseUnmeteredWifi(text.slice(0, end)), true);
});

test.run();
