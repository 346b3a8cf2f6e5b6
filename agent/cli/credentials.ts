/** Secrets come from a file or the environment, never from an argument: other users of a machine can read arguments. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Fault } from '../../controller/domain/fault.ts';
import type { Io } from './io.ts';

const fault = (code: string, message: string) => new Fault(code, message, { retry: 'never' });

/** A file's text; Fault `file_unreadable` names the file and the system's reason. */
export function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw fault('file_unreadable', `cannot read ${what} ${file}: ${reason}`);
  }
}

/** Fault `file_not_written` names the file and the system's reason. */
export function writeText(file: string, text: string, what: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'not writable';
    throw fault('file_not_written', `cannot write ${what} ${file}: ${reason}`);
  }
}

/** `--…-file` wins over `<NAME>_FILE`, which wins over `<NAME>`; undefined when none is given. */
export function secretOf(io: Io, name: string, file: string | undefined): string | undefined {
  const path = file ?? io.environment[`${name}_FILE`];
  const text =
    path === undefined
      ? io.environment[name]
      : readText(path, `${name.toLowerCase().replaceAll('_', ' ')} file`);
  const secret = text?.trim();
  return secret === undefined || secret === '' ? undefined : secret;
}

export function deviceToken(io: Io, file: string | undefined): string {
  const token = secretOf(io, 'OTA_AGENT_TOKEN', file);
  if (token === undefined)
    throw fault(
      'token_missing',
      'no device token: give --token-file FILE, or set OTA_AGENT_TOKEN_FILE or OTA_AGENT_TOKEN',
    );
  if (!/^[\x21-\x7e]{1,512}$/.test(token))
    throw fault('token_malformed', 'the device token contains spaces or unprintable characters');
  return token;
}

/** 32 bytes as base64 (as enrolment prints it) or hex. */
function parseNudgeKey(text: string): Buffer {
  const key = /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (key.length !== 32) throw fault('nudge_key_malformed', 'the nudge key is not 32 bytes in base64 or hex');
  return key;
}

export function nudgeKeyOf(io: Io, file: string | undefined): Buffer | undefined {
  const text = secretOf(io, 'OTA_AGENT_NUDGE_KEY', file);
  return text === undefined ? undefined : parseNudgeKey(text);
}
