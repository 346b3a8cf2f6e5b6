/** Option values as commander hands them over, checked where they are read. */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../controller/domain/duration.ts';
import { isDeviceId, normaliseFingerprint } from '../../controller/domain/ids.ts';

export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`it must be a whole number from ${min} to ${max}.`);
    return value;
  };

export const share = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value) || value < 0 || value > 1)
    throw new InvalidArgumentError('it must be a share from 0 to 1.');
  return value;
};

export const factor = (text: string): number => {
  const value = Number(text);
  if (!(value >= 1 && value <= 1_000_000))
    throw new InvalidArgumentError('it must be a factor from 1 to 1000000.');
  return value;
};

export const deviceIdOption = (text: string): string => {
  if (!isDeviceId(text)) throw new InvalidArgumentError('a device id is 1 to 64 of A-Z a-z 0-9 . _ : -');
  return text;
};

export const fingerprintOption = (text: string): string => {
  const fingerprint = normaliseFingerprint(text);
  if (fingerprint === undefined)
    throw new InvalidArgumentError('a fingerprint is 64 hex digits, with or without colons.');
  return fingerprint;
};

/** `90s`, `15m`, `6h`, `2d` → ms. */
export const duration = (text: string): number => {
  const ms = /^\d{1,6}[smhd]$/.test(text) ? parseDuration(text) : undefined;
  if (ms === undefined) throw new InvalidArgumentError('Expected a duration like 90s, 15m, 6h or 2d.');
  return ms;
};
