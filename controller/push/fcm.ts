/** FCM HTTP v1 through firebase-admin: data messages, high priority, collapsed, short-lived (SPEC §8). */
import { Agent } from 'node:https';
import {
  type App,
  type Credential,
  cert,
  deleteApp,
  initializeApp,
  type ServiceAccount,
} from 'firebase-admin/app';
import { getMessaging, type Messaging, type SendResponse, type TokenMessage } from 'firebase-admin/messaging';
import { Fault } from '../domain/fault.ts';
import type { PushCheck, Pusher, PushMessage, PushResult } from '../ports/index.ts';

/** FCM refuses larger data payloads; the SDK does not check. */
const MOST_PAYLOAD_BYTES = 4_096;
const MOST_SOCKETS = 32;

interface FcmOptions {
  readonly projectId: string;
  readonly credential: Credential;
  /** For tests with a local server. The default is a keep-alive agent with 32 sockets. */
  readonly agent?: Agent;
}

export interface Fcm extends Pusher {
  close(): Promise<void>;
}

/** Reads a service account file; Fault `fcm_credentials` if it is not one. Messages never contain its content. */
export function serviceAccount(json: string): Pick<FcmOptions, 'projectId' | 'credential'> {
  try {
    const account = JSON.parse(json) as ServiceAccount & { project_id?: unknown };
    if (typeof account.project_id !== 'string') throw new TypeError('project_id is missing');
    return { projectId: account.project_id, credential: cert(account) };
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'it is not JSON' : 'a field is missing or malformed';
    throw new Fault('fcm_credentials', `OTA_FCM_CREDENTIALS: not a service account file: ${why}`, {
      retry: 'never',
    });
  }
}

let apps = 0;

export function makeFcm({ projectId, credential, agent }: FcmOptions): Fcm {
  const httpAgent = agent ?? new Agent({ keepAlive: true, maxSockets: MOST_SOCKETS });
  apps += 1;
  const app: App = initializeApp({ projectId, credential, httpAgent }, `ota-${apps}`);
  const messaging = getMessaging(app);
  // One HTTP/1.1 pool bounds the number of sockets, and tests use the same transport as production.
  messaging.enableLegacyHttpTransport();
  return {
    send: messages => sendAll(messaging, messages),
    check: () => check(messaging),
    close: async () => {
      await deleteApp(app);
      httpAgent.destroy();
    },
  };
}

async function sendAll(messaging: Messaging, messages: readonly PushMessage[]): Promise<PushResult[]> {
  const results = new Array<PushResult>(messages.length);
  const fitting: { index: number; message: TokenMessage }[] = [];
  for (const [index, message] of messages.entries()) {
    if (payloadBytes(message) > MOST_PAYLOAD_BYTES)
      results[index] = { result: 'invalid', code: 'payload_too_large' };
    else fitting.push({ index, message: toFcm(message) });
  }
  if (fitting.length > 0) {
    const delivered = await deliver(
      messaging,
      fitting.map(f => f.message),
    );
    const responses = await aboutDevices(messaging, delivered);
    for (const [place, { index }] of fitting.entries())
      results[index] = responses[place] ?? { result: 'retry', code: 'no_response' };
  }
  return results;
}

/** An invalid token. FCM checks credentials and project first, then reports it as invalid (`validate_only`, so nothing is delivered). */
const NOBODY = 'ota-health-check';

async function check(messaging: Messaging): Promise<PushCheck> {
  try {
    await messaging.send({ token: NOBODY, data: {} }, true);
    return { result: 'fine' };
  } catch (error) {
    const code = codeOf(error);
    return FINAL[code] === 'invalid' ? { result: 'fine' } : { result: 'failed', code };
  }
}

/**
 * The SDK reports a plain 404 (unknown project) like a dead token and a plain 403 (no permission) like a token of another
 * sender, and hides the answer. A token that is malformed on purpose tells them apart: a working project reports it as
 * invalid. Without this check, a wrong project id would delete every push token of the fleet.
 */
async function aboutDevices(messaging: Messaging, responses: readonly PushResult[]): Promise<PushResult[]> {
  const isSuspect = ({ result }: PushResult): boolean =>
    result === 'unregistered' || result === 'sender_mismatch';
  if (!responses.some(isSuspect)) return [...responses];
  const project = await check(messaging);
  if (project.result === 'fine') return [...responses];
  return responses.map(r => (isSuspect(r) ? { result: 'retry', code: `project_${project.code}` } : r));
}

/** If the whole batch fails, for example without an access token, each message is retried later. */
async function deliver(messaging: Messaging, messages: TokenMessage[]): Promise<PushResult[]> {
  try {
    const batch = await messaging.sendEach(messages);
    return batch.responses.map(judge);
  } catch (error) {
    return messages.map(() => ({ result: 'retry', code: codeOf(error) }));
  }
}

const payloadBytes = (message: PushMessage): number => Buffer.byteLength(JSON.stringify(message.data));

const toFcm = (message: PushMessage): TokenMessage => ({
  token: message.pushToken,
  data: { ...message.data },
  android: { priority: 'high', ttl: message.ttlMs, collapseKey: message.collapseKey },
});

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code.replace(/^(messaging|app)\//, '').replaceAll('-', '_') : 'unknown';
}

/** What to do for each code of the SDK (firebase.google.com/docs/cloud-messaging/error-codes). */
const FINAL: Readonly<Record<string, 'unregistered' | 'invalid' | 'sender_mismatch'>> = {
  registration_token_not_registered: 'unregistered',
  invalid_argument: 'invalid',
  invalid_payload: 'invalid',
  invalid_registration_token: 'invalid',
  mismatched_credential: 'sender_mismatch',
};

function judge(response: SendResponse): PushResult {
  if (response.success) return { result: 'sent' };
  const code = codeOf(response.error);
  const final = FINAL[code];
  return final === undefined ? { result: 'retry', code } : { result: final, code };
}
