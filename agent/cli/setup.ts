/** The setup file that `conform` writes for an agent under test, read by ours. */
import { Ajv, type JSONSchemaType } from 'ajv';
import { Fault } from '../../controller/domain/fault.ts';
import { readText } from './credentials.ts';
import type { RunFlags as Flags } from './run-flags.ts';

interface Setup {
  url: string;
  device_id: string;
  token_file: string;
  nudge_key_file: string;
  state: string;
  package: string;
  sdk: number;
  version_code: number;
  signer: string;
  conditions: {
    unmetered_wifi: boolean | null;
    battery_percent: number | null;
    charging: boolean | null;
    in_call: boolean | null;
  };
  time_scale: number;
  die_on_update: boolean;
}

const text = { type: 'string', minLength: 1, maxLength: 4096 } as const;
const flag = { type: 'boolean', nullable: true } as const;
const conditions = {
  unmetered_wifi: flag,
  battery_percent: { type: 'number', minimum: 0, maximum: 100, nullable: true },
  charging: flag,
  in_call: flag,
} as const;
const properties = {
  url: text,
  device_id: text,
  token_file: text,
  nudge_key_file: text,
  state: text,
  package: text,
  sdk: { type: 'integer', minimum: 24 },
  version_code: { type: 'integer', minimum: 0 },
  signer: { type: 'string', pattern: '^[0-9a-f]{64}$' },
  conditions: {
    type: 'object',
    additionalProperties: false,
    required: Object.keys(conditions),
    properties: conditions,
  },
  time_scale: { type: 'number', minimum: 1 },
  die_on_update: { type: 'boolean' },
} as const;

/** JSON Schema of the file, for authors of a harness for another agent. */
const SETUP_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
};
const isSetup = new Ajv().compile<Setup>(SETUP_SCHEMA as unknown as JSONSchemaType<Setup>);

/** Faults `file_unreadable` and `setup_malformed`, which names the field. */
export function fromSetup(flags: Flags, file: string): Flags {
  let setup: unknown;
  try {
    setup = JSON.parse(readText(file, 'the setup file'));
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('setup_malformed', `${file} is not JSON`, { retry: 'never', cause });
  }
  if (!isSetup(setup)) {
    const [error] = isSetup.errors ?? [];
    throw new Fault(
      'setup_malformed',
      `${file}: ${error?.instancePath ?? ''} ${error?.message ?? 'is wrong'}`,
      { retry: 'never' },
    );
  }
  const { unmetered_wifi, battery_percent, charging, in_call } = setup.conditions;
  return {
    ...flags,
    simulated: true,
    url: setup.url,
    device: setup.device_id,
    tokenFile: setup.token_file,
    nudgeKeyFile: setup.nudge_key_file,
    state: setup.state,
    package: setup.package,
    sdk: setup.sdk,
    versionCode: setup.version_code,
    signer: setup.signer,
    wifi: unmetered_wifi ?? undefined,
    battery: battery_percent ?? undefined,
    charging: charging ?? undefined,
    inCall: in_call ?? undefined,
    timeScale: setup.time_scale,
    dieOnUpdate: setup.die_on_update,
    unknownConditions: true,
  };
}
