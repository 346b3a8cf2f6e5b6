import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fleet, type FleetDevice, runFleet } from '../../../agent/fleet/fleet.ts';
import { startProtocolServer, TOKEN } from '../../support/agent/protocol-server.ts';
import { buildOf, key } from '../../support/agent/with-agent.ts';
import { fingerprintOf } from '../../support/apk/index.ts';

const devices = (count: number, more: Partial<FleetDevice> = {}): FleetDevice[] =>
  Array.from({ length: count }, (_, n) => ({
    deviceId: `device-${n}`,
    token: TOKEN,
    versionCode: 41,
    buildId: 'b41',
    signer: fingerprintOf(key),
    ...more,
  }));

test('a fleet updates once, and the summary is exact', async () => {
  const server = await startProtocolServer();
  const fleet = new Fleet({ url: server.url, devices: devices(50), seed: 7 });
  try {
    await fleet.start();
    assert.is(fleet.summary().holds.outside_cohort, 50);
    server.offer = buildOf(42);
    await fleet.pollAll(8);
    const summary = fleet.summary();
    assert.equal(summary.running, { 42: 50 });
    assert.is(summary.installs, 50);
    assert.is(summary.downloads, 50);
    assert.is(server.downloads().length, 50);
    assert.is(summary.reportsAccepted, 50);
    assert.equal(summary.results, { 'ok/installed': 50 });
    assert.is(fleet.devices()[0]?.buildId, 'b42');
  } finally {
    await fleet.stop();
    await server.close();
  }
});

test('agents that die when their package is replaced report from the next process', async () => {
  const server = await startProtocolServer();
  server.offer = buildOf(42);
  try {
    const summary = await runFleet({ url: server.url, devices: devices(10, { selfUpdate: 'die' }), seed: 7 });
    assert.equal(summary.running, { 42: 10 });
    assert.is(summary.installCalls, 10);
    assert.equal(summary.results, { 'ok/installed': 10 });
    assert.is(server.reports().length, 10);
  } finally {
    await server.close();
  }
});

test.run();
