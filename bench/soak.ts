/**
 * `npm run soak`: controllers as processes under load, killed, paused and cut from their database at random moments. It
 * counts results that were answered with 200 and are not in the store afterwards, and fails if there are any. Not part of
 * CI.
 */
import { parseArgs } from 'node:util';
import type { SoakOptions } from './soak-load.ts';
import { soakOne } from './soak-one.ts';
import { soakSeveral } from './soak-several.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    devices: { type: 'string', default: '500' },
    workers: { type: 'string', default: '32' },
    controllers: { type: 'string', default: '1' },
  },
});
const options: SoakOptions = {
  kills: Number(values.kills),
  devices: Number(values.devices),
  workers: Number(values.workers),
  controllers: Number(values.controllers),
};
const held = options.controllers > 1 ? await soakSeveral(options) : await soakOne(options);
process.exitCode = held ? 0 : 1;
