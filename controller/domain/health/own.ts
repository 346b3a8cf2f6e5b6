/** The controller's own parts: time, source, APKs, keys, certificate, disk. */
import { DAY_MS, MINUTE_MS } from '../duration.ts';
import { bytesText, countText, timeText } from '../plan/words.ts';
import { failing, fine, type HealthCheck, type HealthFacts, off, warning } from './facts.ts';

const SOON_MS = 14 * DAY_MS;
/** A source that was not read for so many intervals is not looked at any more. */
const LATE_INTERVALS = 5;
const LOW_SHARE = 0.1;
const FULL_SHARE = 0.02;

export const clockOf = ({ clockHeld }: HealthFacts): HealthCheck =>
  clockHeld
    ? failing(
        'clock',
        'the wall clock cannot be trusted, so no rollout moves',
        'set the clock by NTP; if it is right already, run: ota clock confirm',
      )
    : fine('clock', 'wall clock and monotonic clock agree');

export function sourceOf({ nowMs, source }: HealthFacts): HealthCheck {
  const { readAtMs, fault, intervalMs, refused, applied } = source;
  if (fault !== undefined)
    return failing(
      'source',
      `the source cannot be read [${fault}]; ${applied ? 'the last good revision stays in force' : 'nothing is applied yet'}`,
      'check OTA_SOURCE, OTA_SOURCE_TOKEN and the network; the log says more (ota.reconcile.fail)',
    );
  if (readAtMs === undefined)
    return warning('source', 'the source was not read yet', 'wait a moment, then: ota reconcile');
  if (nowMs - readAtMs > LATE_INTERVALS * Math.max(intervalMs, MINUTE_MS))
    return failing(
      'source',
      `the source was read last at ${timeText(readAtMs)}`,
      'run: ota reconcile; if that hangs, restart the controller and report its log',
    );
  if (refused)
    return warning(
      'source',
      'the newest revision was refused; the one before it stays in force',
      'run ota status to see its problems, then merge a correction',
    );
  return fine('source', `read at ${timeText(readAtMs)}`);
}

export const artifactsOf = ({ missingArtifacts }: HealthFacts): HealthCheck =>
  missingArtifacts.length === 0
    ? fine('artifacts', 'every APK that is offered is stored')
    : failing(
        'artifacts',
        `the APK of ${missingArtifacts.join(', ')} is missing or damaged: it is offered to nobody`,
        'upload it again: ota build add APK',
      );

export function keysOf({ keys: { own, orphaned } }: HealthFacts): HealthCheck {
  const [newest, ...older] = own;
  if (orphaned > 0)
    return failing(
      'keys',
      `${countText(orphaned, 'device')} used a token of a key that is not set any more`,
      'set that key as OTA_TOKEN_KEY_PREVIOUS, or rotate the devices: ota device rotate ID',
    );
  const kid = newest?.kid ?? '?';
  const [previous] = older;
  if (previous === undefined) return fine('keys', `device tokens are made with key ${kid}`);
  return previous.devices === 0
    ? warning(
        'keys',
        `no device uses key ${previous.kid} any more`,
        'unset OTA_TOKEN_KEY_PREVIOUS: the rotation is over',
      )
    : fine(
        'keys',
        `key ${kid} signs; tokens of ${previous.kid} still in use: ${countText(previous.devices, 'device')}`,
      );
}

export function operatorsOf({ nowMs, adminExpiresAtMs }: HealthFacts): HealthCheck {
  const cure = 'run: ota token create NAME --scope admin';
  if (adminExpiresAtMs === undefined || adminExpiresAtMs <= nowMs)
    return failing(
      'operators',
      'no token with scope admin is valid any more',
      'restart the controller: it writes a new one to its data folder',
    );
  const text = `the last token with scope admin expires at ${timeText(adminExpiresAtMs)}`;
  return adminExpiresAtMs - nowMs < SOON_MS ? warning('operators', text, cure) : fine('operators', text);
}

export function certificateOf({ nowMs, certificateExpiresAtMs: endMs }: HealthFacts): HealthCheck {
  if (endMs === undefined)
    return off('certificate', 'the controller itself has no certificate; a proxy in front may have one');
  const cure = 'renew the files of OTA_TLS_CERT and OTA_TLS_KEY; the controller reads them again by itself';
  if (endMs <= nowMs) return failing('certificate', `it expired at ${timeText(endMs)}`, cure);
  const text = `it expires at ${timeText(endMs)}`;
  return endMs - nowMs < SOON_MS ? warning('certificate', text, cure) : fine('certificate', text);
}

export function diskOf({ disk }: HealthFacts): HealthCheck {
  const { freeBytes, totalBytes, artifactBytes, artifactQuotaBytes } = disk;
  const share = totalBytes === 0 ? 0 : freeBytes / totalBytes;
  const text = `${bytesText(freeBytes)} of ${bytesText(totalBytes)} free; APKs take ${bytesText(artifactBytes)} of ${bytesText(artifactQuotaBytes)}`;
  const cure = 'free space on the disk of OTA_DATA, or delete APKs: ota artifact list';
  if (share < FULL_SHARE) return failing('disk', text, cure);
  if (share < LOW_SHARE) return warning('disk', text, cure);
  return artifactBytes > artifactQuotaBytes * (1 - LOW_SHARE)
    ? warning('disk', text, 'delete APKs (ota artifact list), or raise OTA_ARTIFACT_QUOTA_MB')
    : fine('disk', text);
}
