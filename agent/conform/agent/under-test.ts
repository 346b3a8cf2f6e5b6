/** The agent under test and its input. */

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
  /** Version 42 signed with another key. */
  readonly foreign: Buffer;
  /** Version 42 of another package, signed with the right key. */
  readonly otherPackage: Buffer;
}

/** The conditions of the device under test. `null`: cannot be read. */
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
  /** Waits are shortened by this factor. */
  readonly timeScale: number;
  /** The process ends when its package is replaced. */
  readonly dieOnUpdate: boolean;
}

export interface RunningAgent {
  /** One line of the command protocol. */
  tell(command: object): void;
  /** Ends at once, like SIGKILL; resolves when the agent is gone. */
  kill(): Promise<void>;
  /** True if it has ended by itself. */
  readonly ended: boolean;
}

/** One device: the agent's stored data survives each `start`. */
export interface DeviceUnderTest {
  start(setup: AgentSetup): Promise<RunningAgent>;
  dispose(): Promise<void>;
}

export interface AgentUnderTest {
  device(): Promise<DeviceUnderTest>;
  /** Silence after which nothing more is expected. */
  readonly quietMs: number;
  /** Longest wait for an expected request. */
  readonly limitMs: number;
  readonly timeScale: number;
}
