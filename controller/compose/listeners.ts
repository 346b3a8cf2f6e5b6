/** The listeners: their addresses, their certificate, and the settings that the HTTP face needs. */
import type { Observe } from '../domain/event.ts';
import type { HttpFace } from '../http/app.ts';
import { type ConnectionLimits, connectionLimits, descriptorLimit } from '../http/descriptors.ts';
import { type Listener, listen } from '../http/listen.ts';
import type { HttpSettings } from '../http/options.ts';
import type { Settings } from '../settings/settings.ts';
import { type CertificateWatch, watchCertificate } from '../watch/certificate.ts';
import type { Foundation } from './foundation.ts';

const MEGABYTE = 1_048_576;
const GRACE_MS = 10_000;
const LOOK_MS = 1_000;

/** Undefined without OTA_TLS_CERT. Fault `tls_invalid`. */
export async function certificateOf({
  settings,
  runtime,
  background,
  cleanup,
}: Foundation): Promise<CertificateWatch | undefined> {
  const { OTA_TLS_CERT: certFile, OTA_TLS_KEY: keyFile } = settings;
  if (certFile === undefined || keyFile === undefined) return undefined;
  const { wallMs, monotonicMs, observer } = runtime;
  const watch = await watchCertificate({ certFile, keyFile, wallMs, monotonicMs, observe: observer.observe });
  cleanup.add(() => watch.stop());
  background.every(LOOK_MS, 'tls', () => watch.look());
  return watch;
}

const limitsOf = (settings: Settings): ConnectionLimits =>
  connectionLimits(descriptorLimit(), settings.OTA_OPERATOR_PORT !== undefined);

export const httpSettings = (
  settings: Settings,
  url: string,
): Partial<HttpSettings> & { publicUrl: string } => ({
  publicUrl: settings.OTA_PUBLIC_URL ?? url,
  hstsMaxAgeS: settings.OTA_HSTS_MAX_AGE,
  pollIntervalS: Math.round(settings.OTA_POLL_INTERVAL / 1000),
  pollJitterS: Math.round(settings.OTA_POLL_INTERVAL / 10_000),
  activeWithinMs: settings.OTA_ACTIVE_WINDOW,
  trustedProxy: settings.OTA_TRUSTED_PROXY,
  openMetrics: settings.OTA_OPERATOR_PORT !== undefined,
  checksPerMinute: settings.OTA_CHECKS_PER_MINUTE,
  tokenRenewAfterMs: settings.OTA_TOKEN_RENEW_AFTER,
  tokenRenewalsPerMinute: settings.OTA_TOKEN_RENEWALS_PER_MINUTE,
  artifactMaxBytes: settings.OTA_ARTIFACT_MAX_MB * MEGABYTE,
  downloadsPerDay: settings.OTA_DOWNLOADS_PER_DAY,
  maxDownloads: Math.min(settings.OTA_DOWNLOAD_CONCURRENCY, limitsOf(settings).downloads),
  downloadBytesPerS: settings.OTA_DOWNLOAD_BUDGET_MBPS * 125_000,
});

export interface Listeners {
  readonly url: string;
  readonly operatorUrl: string;
  close(): Promise<void>;
}

/** Opens the listeners, then builds the face with their URL: port 0 becomes a real port only then. */
export async function openListeners(
  settings: Settings,
  certificate: CertificateWatch | undefined,
  observe: Observe,
  build: (url: string) => HttpFace,
): Promise<Listeners> {
  const limits = limitsOf(settings);
  const capped = (listener: 'main' | 'operator') => ({
    maxConnections: limits[listener],
    onFull: (closed: number) =>
      observe({ type: 'ota.listener.full', listener, connections: limits[listener], closed }),
  });
  const common = { tls: certificate?.pair, trustedProxy: settings.OTA_TRUSTED_PROXY };
  let face: HttpFace | undefined;
  const split = settings.OTA_OPERATOR_PORT !== undefined;
  const main = await listen({
    ...common,
    ...capped('main'),
    host: settings.OTA_HOST,
    port: settings.OTA_PORT,
    handler: (req, res) => (split ? face?.agent : face?.all)?.(req, res),
  });
  face = build(main.url);
  let operator: Listener | undefined;
  try {
    if (settings.OTA_OPERATOR_PORT !== undefined)
      operator = await listen({
        ...common,
        ...capped('operator'),
        host: settings.OTA_OPERATOR_HOST,
        port: settings.OTA_OPERATOR_PORT,
        handler: face.operator,
      });
  } catch (error) {
    await main.close(0);
    throw error;
  }
  certificate?.subscribe(pair => {
    main.renew(pair);
    operator?.renew(pair);
  });
  return {
    url: main.url,
    operatorUrl: operator?.url ?? main.url,
    close: async () => {
      await Promise.all([main.close(GRACE_MS), operator?.close(GRACE_MS)]);
    },
  };
}
