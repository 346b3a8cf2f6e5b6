/** What an agent under test is, and what it is given. */

/** Small signed APKs of one package; the numbers are version codes. */
export interface ApkKit {
  readonly package: string;
  /** SHA-256 of the certificate that signs all but `foreign`. */
  readonly signer: string;
  readonly foreignSigner: string;
  readonly v40: Buffer;
  readonly v41: Buffer;
  readonly v42: Buffer;
  readonly v43: Buffer;
  /** Version 42 by another key. */
  readonly foreign: Buffer;
  /** Version 42 of another package, by the right key. */
  readonly otherPackage: Buffer;
}

/** The device as the agent under test finds it. `null`: cannot be read. */
export interface SetupConditions {
  readonly unmetered_wifi: boolean | null;
  readonly battery_percent: number | null;
  readonly charging: boolean | null;
  readonly in_call: boolean | null;
}

export interface AgentSetup {
  readonly url: string;
  readonly deviceId: string;
  readonly token: string;
  readonly nudgeKey: Buffer;
  readonly package: string;
  readonly sdk: number;
  readonly versionCode: number;
  readonly signer: string;
  readonly conditions: SetupConditions;
  /** Waits are this many times shorter. */
  readonly timeScale: number;
  /** The process ends when its package is replaced. */
  readonly dieOnUpdate: boolean;
}

export interface RunningAgent {
  /** One line of the command protocol. */
  tell(command: object): void;
  /** At once, as SIGKILL does; resolves when it is gone. */
  kill(): Promise<void>;
  /** Whether it has ended by itself. */
  readonly ended: boolean;
}

/** One device: what an agent keeps survives `start` after `start`. */
export interface DeviceUnderTest {
  start(setup: AgentSetup): Promise<RunningAgent>;
  dispose(): Promise<void>;
}

export interface AgentUnderTest {
  device(): Promise<DeviceUnderTest>;
  /** Silence after which nothing more is expected. */
  readonly quietMs: number;
  /** How long anything expected may take. */
  readonly limitMs: number;
  readonly timeScale: number;
}
