import { createHash, type KeyObject, sign } from 'node:crypto';

/** Just enough DER to write a self-signed certificate. Android looks only at its bytes and its key. */
export function selfSignedCertificate(privateKey: KeyObject, publicKey: Buffer, commonName: string): Buffer {
  const algorithm = signatureAlgorithm(privateKey);
  const name = sequence(set(sequence(oid([2, 5, 4, 3]), tlv(0x0c, Buffer.from(commonName, 'utf8')))));
  const serial = createHash('sha256').update(publicKey).update(commonName).digest().subarray(0, 8);
  serial.writeUInt8((serial.readUInt8(0) & 0x3f) | 0x40, 0);
  const tbs = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    name,
    sequence(utcTime('200101000000Z'), tlv(0x18, Buffer.from('20500101000000Z'))),
    name,
    publicKey,
  );
  const signature = sign('sha256', tbs, privateKey);
  return sequence(tbs, algorithm, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])));
}

function signatureAlgorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa')
    return sequence(oid([1, 2, 840, 113549, 1, 1, 11]), tlv(0x05, Buffer.alloc(0)));
  if (key.asymmetricKeyType === 'ec') return sequence(oid([1, 2, 840, 10045, 4, 3, 2]));
  return sequence(oid([2, 16, 840, 1, 101, 3, 4, 3, 2]));
}

function tlv(tag: number, value: Buffer): Buffer {
  const { length } = value;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), value]);
  const bytes = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), value]);
}

const sequence = (...parts: Buffer[]): Buffer => tlv(0x30, Buffer.concat(parts));
const set = (...parts: Buffer[]): Buffer => tlv(0x31, Buffer.concat(parts));
const integer = (value: Buffer): Buffer => tlv(0x02, value);
const utcTime = (text: string): Buffer => tlv(0x17, Buffer.from(text));

function oid(arcs: readonly number[]): Buffer {
  const [first = 0, second = 0, ...rest] = arcs;
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const septets = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) septets.unshift((left & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return tlv(0x06, Buffer.from(bytes));
}
