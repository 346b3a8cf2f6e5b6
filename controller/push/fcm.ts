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
  /** Tests point it at a local server; by default a keep-alive agent with 32 sockets. */
  readonly agent?: Agent;
}

export interface Fcm extends Pusher {
  close(): Promise<void>;
}

/** Reads a service account file; Fault `fcm_credentials` when it is not one. Its content is never echoed. */
export function serviceAccount(json: string): Pick<FcmOptions, 'projectId' | 'credential'> {
  try {
    const account = JSON.parse(json) as ServiceAccount & { project_id?: unknown };
    if (typeof account.project_id !== 'string') throw new TypeError('project_id is missing');
    return { projectId: account.project_id, credential: cert(account) };
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'it is not JSON' : 'a field is missing or malformed';
    throw new Fault('fcm_credentials', `OTA_FCM_CREDENTIALS: the file is not a service account: ${why}`, {
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
  // One HTTP/1.1 pool: bounded sockets, and the transport that is tested is the one that runs.
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

/** No token looks like it: FCM judges credential and project first, then calls it invalid (`validate_only`, nothing is delivered). */
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
 * The SDK gives a bare 404 (no such project) and a bare 403 (no permission in it) the names of a dead token and of another
 * sender's, and hides the answer itself. A token that is malformed on purpose tells them apart: a project that works calls
 * it invalid. Without this a wrong project id would cost every push token of the fleet.
 */
async function aboutDevices(messaging: Messaging, responses: readonly PushResult[]): Promise<PushResult[]> {
  const isSuspect = ({ result }: PushResult): boolean =>
    result === 'unregistered' || result === 'sender_mismatch';
  if (!responses.some(isSuspect)) return [...responses];
  const project = await check(messaging);
  if (project.result === 'fine') return [...responses];
  return responses.map(r => (isSuspect(r) ? { result: 'retry', code: `project_${project.code}` } : r));
}

/** The whole batch failing (no access token, say) is the same as each message being told to come later. */
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

/** The SDK's codes (firebase.google.com/docs/cloud-messaging/error-codes) → what to do about them. */
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
