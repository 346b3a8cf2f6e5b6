/** The flags of `ota-agent run`, from the command line or a setup file. */
import type { SimulatedFlags } from './simulated.ts';

export interface RunFlags extends SimulatedFlags {
  readonly url?: string;
  readonly device?: string;
  readonly tokenFile?: string;
  readonly nudgeKeyFile?: string;
  readonly state?: string;
  readonly setup?: string;
  readonly ca?: string;
  readonly adb?: string;
  readonly adbPath: string;
  readonly service?: string;
  readonly simulated?: boolean;
  readonly once?: boolean;
  readonly metricsFile?: string;
  readonly dieOnUpdate?: boolean;
  readonly timeScale: number;
}
