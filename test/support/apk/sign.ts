import { constants, createHash, hash, sign } from 'node:crypto';
import { list, prefixed, u32, u64 } from './bytes.ts';
import type { TestKey } from './keys.ts';
import { joinZip, type ZipParts } from './zip.ts';

/** One signer of a scheme. Everything except the key defaults to what a correct signer would write. */
export interface SignerPlan {
  key: TestKey;
  /** Signature algorithm ids, in the order to list them. */
  algorithms?: readonly number[];
  /** v3 and v3.1 only. */
  minSdk?: number;
  maxSdk?: number;
  /** Earlier keys, oldest first, that lead to this one. */
  lineage?: readonly LineageStep[];
  attributes?: readonly Pair[];
  /** Ways to make a signer that must be refused. */
  broken?: {
    certificates?: readonly Buffer[];
    publicKey?: Buffer;
    digestAlgorithms?: readonly number[];
    /** The bytes of the attribute list, length included. */
    attributes?: Buffer;
    signedMinSdk?: number;
    signedMaxSdk?: number;
    digest?: (digest: Buffer) => Buffer;
    signature?: (signature: Buffer, signedData: Buffer) => Buffer;
    /** Applied after signing, so the signature no longer holds. */
    signedData?: (signedData: Buffer) => Buffer;
    /** Replaces the whole signer. */
    signer?: (signer: Buffer) => Buffer;
  };
}

export interface LineageStep {
  key: TestKey;
  /** Capabilities the key keeps; without rollback (8) unless set, as apksigner does. */
  flags?: number;
  algorithm?: number;
}

export interface Pair {
  id: number;
  value: Buffer;
}

export interface SigningPlan {
  v2?: readonly SignerPlan[];
  v3?: readonly SignerPlan[];
  v31?: readonly SignerPlan[];
  /** Further pairs of the block, put after the schemes'. */
  pairs?: readonly Pair[];
  /** The same, before them. */
  firstPairs?: readonly Pair[];
  /** Start and size in multiples of 4 KiB, as verity needs; on unless set. */
  aligned?: boolean;
}

export const BLOCK_IDS = {
  v2: 0x7109871a,
  v3: 0xf05368c0,
  v31: 0x1b93ad61,
  v32: 0x70e1c89f,
  padding: 0x42726577,
} as const;
export const ATTRIBUTE_IDS = {
  strippingProtection: 0xbeeff00d,
  proofOfRotation: 0x3ba06f8c,
  rotationMinSdk: 0x559f8b02,
  devRelease: 0xc2a6b3ba,
} as const;
/** Installed data, shared uid, permission and auth. */
export const DEFAULT_FLAGS = 1 | 2 | 4 | 16;
export const LAST_SDK = 0x7fffffff;
const PAGE = 4096;

/** Puts an APK Signing Block into an archive. */
export function signZip(parts: ZipParts, plan: SigningPlan): Buffer {
  const aligned = plan.aligned !== false;
  const gap = aligned ? (PAGE - (parts.entries.length % PAGE)) % PAGE : 0;
  const padded = { ...parts, entries: Buffer.concat([parts.entries, Buffer.alloc(gap)]) };
  const digests = new Digests(padded);
  const scheme = (id: number, signers: readonly SignerPlan[] | undefined, isV3: boolean): Pair[] =>
    signers === undefined
      ? []
      : [{ id, value: list(signers.map(signer => buildSigner(signer, digests, isV3))) }];
  const pairs = [
    ...(plan.firstPairs ?? []),
    ...scheme(BLOCK_IDS.v2, plan.v2, false),
    ...scheme(BLOCK_IDS.v3, plan.v3, true),
    ...scheme(BLOCK_IDS.v31, plan.v31, true),
    ...(plan.pairs ?? []),
  ];
  return joinZip(padded, signingBlock(pairs, aligned));
}

export function signingBlock(pairs: readonly Pair[], aligned: boolean): Buffer {
  const write = ({ id, value }: Pair): Buffer => Buffer.concat([u64(value.length + 4), u32(id), value]);
  let body = Buffer.concat(pairs.map(write));
  if (aligned) {
    const room = PAGE - ((body.length + 32 + 12) % PAGE);
    body = Buffer.concat([body, write({ id: BLOCK_IDS.padding, value: Buffer.alloc(room % PAGE) })]);
  }
  const size = u64(body.length + 24);
  return Buffer.concat([size, body, size, Buffer.from('APK Sig Block 42')]);
}

function buildSigner(plan: SignerPlan, digests: Digests, isV3: boolean): Buffer {
  const broken = plan.broken ?? {};
  const algorithms = plan.algorithms ?? [defaultAlgorithm(plan.key)];
  const minSdk = plan.minSdk ?? 28;
  const maxSdk = plan.maxSdk ?? LAST_SDK;
  const attributes = [...(plan.attributes ?? [])];
  if (plan.lineage !== undefined) {
    attributes.push({
      id: ATTRIBUTE_IDS.proofOfRotation,
      value: proofOfRotation([...plan.lineage, { key: plan.key }]),
    });
  }
  const digestList = (broken.digestAlgorithms ?? algorithms).map(id => {
    const digest = digests.get(id);
    return Buffer.concat([u32(id), prefixed(broken.digest?.(digest) ?? digest)]);
  });
  const signedData = Buffer.concat([
    list(digestList),
    list([...(broken.certificates ?? [plan.key.certificate])]),
    isV3 ? u32(broken.signedMinSdk ?? minSdk, broken.signedMaxSdk ?? maxSdk) : Buffer.alloc(0),
    broken.attributes ?? list(attributes.map(({ id, value }) => Buffer.concat([u32(id), value]))),
  ]);
  const signatures = algorithms.map(id => {
    const signature = signWith(plan.key, id, signedData);
    return Buffer.concat([u32(id), prefixed(broken.signature?.(signature, signedData) ?? signature)]);
  });
  const signer = Buffer.concat([
    prefixed(broken.signedData?.(signedData) ?? signedData),
    isV3 ? u32(minSdk, maxSdk) : Buffer.alloc(0),
    list(signatures),
    prefixed(broken.publicKey ?? plan.key.publicKey),
  ]);
  return broken.signer?.(signer) ?? signer;
}

/** The proof-of-rotation attribute's value for these keys, oldest first, each signing the next. */
export function proofOfRotation(steps: readonly LineageStep[]): Buffer {
  const levels = steps.map((step, index) => {
    const before = steps[index - 1];
    const algorithmOf = (of: LineageStep): number => of.algorithm ?? defaultAlgorithm(of.key);
    const signedData = Buffer.concat([prefixed(step.key.certificate), u32(before ? algorithmOf(before) : 0)]);
    const signature = before ? signWith(before.key, algorithmOf(before), signedData) : Buffer.alloc(0);
    return Buffer.concat([
      prefixed(signedData),
      u32(step.flags ?? DEFAULT_FLAGS, algorithmOf(step)),
      prefixed(signature),
    ]);
  });
  return Buffer.concat([u32(1), ...levels.map(level => prefixed(level))]);
}

/** What apksigner would choose for the key. */
export function defaultAlgorithm(key: TestKey): number {
  const { asymmetricKeyType, asymmetricKeyDetails } = key.privateKey;
  if (asymmetricKeyType === 'rsa') return (asymmetricKeyDetails?.modulusLength ?? 0) > 3072 ? 0x0104 : 0x0103;
  if (asymmetricKeyType === 'dsa') return 0x0301;
  return asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 0x0201 : 0x0202;
}

/** Unknown ids get a placeholder, so that tests can check that they are ignored. */
export function signWith(key: TestKey, algorithm: number, data: Buffer): Buffer {
  if (!KNOWN.has(algorithm)) return Buffer.from('unknown algorithm');
  const name = usesSha512(algorithm) ? 'sha512' : 'sha256';
  const isPss = algorithm === 0x0101 || algorithm === 0x0102;
  return sign(name, data, {
    key: key.privateKey,
    ...(isPss && { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm === 0x0101 ? 32 : 64 }),
  });
}

const KNOWN = new Set([0x0101, 0x0102, 0x0103, 0x0104, 0x0201, 0x0202, 0x0301, 0x0421, 0x0423, 0x0425]);
const isVerity = (algorithm: number): boolean => algorithm >> 4 === 0x42;
const usesSha512 = (algorithm: number): boolean => [0x0102, 0x0104, 0x0202].includes(algorithm);

/** Content digests of an archive, straight from the format's definition and with everything in memory. */
class Digests {
  private readonly parts: ZipParts;
  private readonly known = new Map<string, Buffer>();

  constructor(parts: ZipParts) {
    const end = Buffer.from(parts.end);
    end.writeUInt32LE(parts.entries.length, 16);
    this.parts = { ...parts, end };
  }

  get(algorithm: number): Buffer {
    if (!KNOWN.has(algorithm)) return Buffer.from('unknown digest');
    const kind = isVerity(algorithm) ? 'verity' : usesSha512(algorithm) ? 'sha512' : 'sha256';
    const digest = this.known.get(kind) ?? (kind === 'verity' ? this.verity() : this.chunked(kind));
    this.known.set(kind, digest);
    return digest;
  }

  private chunked(algorithm: 'sha256' | 'sha512'): Buffer {
    const chunks: Buffer[] = [];
    for (const section of [this.parts.entries, this.parts.directory, this.parts.end]) {
      for (let at = 0; at < section.length; at += 1 << 20) {
        const chunk = section.subarray(at, at + (1 << 20));
        const prefix = Buffer.concat([Buffer.from([0xa5]), u32(chunk.length)]);
        chunks.push(createHash(algorithm).update(prefix).update(chunk).digest());
      }
    }
    return hash(algorithm, Buffer.concat([Buffer.from([0x5a]), u32(chunks.length), ...chunks]), 'buffer');
  }

  private verity(): Buffer {
    const content = Buffer.concat([this.parts.entries, this.parts.directory, this.parts.end]);
    return Buffer.concat([merkleRoot(content), u64(content.length)]);
  }
}

/** The root of a verity tree, level by level and with everything in memory. */
export function merkleRoot(content: Buffer): Buffer {
  let level = merkleLevel(content);
  do level = merkleLevel(level);
  while (level.length > 32);
  return level;
}

function merkleLevel(bytes: Buffer): Buffer {
  const digests: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += PAGE) {
    const block = Buffer.alloc(8 + PAGE);
    bytes.copy(block, 8, at);
    digests.push(hash('sha256', block, 'buffer'));
  }
  return Buffer.concat(digests);
}
