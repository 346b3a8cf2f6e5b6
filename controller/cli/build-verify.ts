/** `ota build verify FILE`: what an APK contains, or why Android would refuse it. */
import { createColors } from 'picocolors';
import {
  type ApkFacts,
  type ApkVerdict,
  type Concern,
  capabilityNames,
  HINTS,
  LAST_SDK,
  type LineageNode,
  obstacle,
  ROLLBACK_FLAG,
  type SignerRange,
  verifyApk,
} from '../apk/index.ts';
import { openFileReader } from '../artifacts/file-reader.ts';
import { openApkInput } from './apk-input.ts';
import { unreadable } from './device-import.ts';
import { visible } from './problem-formats.ts';

export interface VerdictView {
  json?: boolean;
  /** The SDK that the verdict is for. Without it the verdict covers every SDK from the APK's minSdkVersion. */
  sdk?: number | undefined;
  color?: boolean;
}

/**
 * Verifies one file and prints the verdict on `out`, or an error on `err` if the file cannot be read.
 * Resolves with the exit code: 0 accepted, 1 rejected or not installable, 2 not readable.
 */
export async function runBuildVerify(
  file: string,
  options: VerdictView,
  io: { out(text: string): void; err(text: string): void },
): Promise<0 | 1 | 2> {
  let verdict: ApkVerdict;
  try {
    await using input = await openApkInput(file);
    await using reader = await openFileReader(input.path);
    verdict = await verifyApk(reader, options.sdk === undefined ? {} : { sdk: options.sdk });
  } catch (error) {
    io.err(`error: ${visible(unreadable(file, error).message)} [file_unreadable]\n`);
    return 2;
  }
  io.out(renderVerdict(verdict, options));
  return verdict.ok && obstacle(verdict.facts.concerns) === undefined ? 0 : 1;
}

/** The verdict as text, or with `json` as one JSON object with snake_case names. */
export function renderVerdict(verdict: ApkVerdict, view: VerdictView): string {
  if (view.json === true) return `${JSON.stringify(toJson(verdict, view.sdk), null, 2)}\n`;
  const colours = createColors(view.color === true);
  const { green, red, bold, dim } = colours;
  if (verdict.ok && obstacle(verdict.facts.concerns) !== undefined)
    return [
      ...verdict.facts.concerns.flatMap(concern => concernLines(concern, colours)),
      '',
      ...describe(verdict.facts, colours),
      '',
    ].join('\n');
  if (verdict.ok) {
    const where =
      view.sdk === undefined ? sdks(verdict.facts.signers[0]?.minSdk ?? 0, LAST_SDK) : `SDK ${view.sdk}`;
    const told = verdict.facts.concerns.filter(({ code }) => code !== 'debuggable');
    return [
      `${green('✓')} ${bold('accepted')} on ${where}`,
      ...describe(verdict.facts, colours),
      ...told.flatMap(concern => ['', ...concernLines(concern, colours)]),
      '',
    ].join('\n');
  }
  const claims = describe(verdict.partial ?? {}, colours);
  return [
    `${red('✗')} ${bold('rejected')}: ${red(verdict.code)}`,
    `  ${visible(capitalise(verdict.message))}.`,
    `  ${dim(`hint: ${HINTS[verdict.code]}`)}`,
    ...(claims.length > 0 ? ['', '  what the file claims (not verified):', ...claims] : []),
    '',
  ].join('\n');
}

type Colours = ReturnType<typeof createColors>;

function describe(facts: Partial<ApkFacts>, colours: Colours): string[] {
  const { bold, yellow, dim } = colours;
  const rows: [label: string, value: string][] = [];
  const { versionCode, versionName, minSdk, targetSdk } = facts;
  if (facts.package !== undefined) rows.push(['package', bold(facts.package)]);
  if (versionCode !== undefined)
    rows.push(['version', `${bold(visible(versionName ?? '?'))} (code ${versionCode})`]);
  if (minSdk !== undefined)
    rows.push(['android', `${sdks(minSdk, LAST_SDK)}, made for SDK ${targetSdk ?? minSdk}`]);
  if (facts.debuggable === true) rows.push(['debuggable', yellow('yes: anyone with adb can read its data')]);
  if (facts.sizeBytes !== undefined) rows.push(['size', sizeText(facts.sizeBytes)]);
  if (facts.sha256 !== undefined) rows.push(['sha256', facts.sha256]);
  if (facts.schemes !== undefined) rows.push(['schemes', facts.schemes.join(', ')]);
  const lines = rows.map(([label, value]) => `  ${dim(label.padEnd(12))}${value}`);
  if (facts.signers === undefined) return lines;
  return [
    ...lines,
    '',
    ...facts.signers.flatMap(range => signerLines(range, colours)),
    ...lineageLines(facts.signers, colours),
  ];
}

function concernLines({ severity, code, message }: Concern, { red, yellow, bold, dim }: Colours): string[] {
  const head =
    severity === 'error'
      ? `${red('✗')} ${bold('not installable')}: ${red(code)}`
      : `${yellow('!')} ${bold('warning')}: ${yellow(code)}`;
  return [head, `  ${visible(capitalise(message))}.`, `  ${dim(`hint: ${HINTS[code]}`)}`];
}

function signerLines(range: SignerRange, { bold, dim }: Colours): string[] {
  const others = (range.coSigners ?? []).map(fingerprint => `${' '.repeat(19)}${dim('and')}  ${fingerprint}`);
  return [
    `  ${bold(sdks(range.minSdk, range.maxSdk).padEnd(17))}${dim(range.scheme.padEnd(6))}${range.fingerprint}`,
    ...others,
  ];
}

/** The longest proof of rotation. Every other one in the APK is a part of it. */
function lineageLines(signers: readonly SignerRange[], colours: Colours): string[] {
  const [longest] = signers.map(range => range.lineage).sort((a, b) => b.length - a.length);
  if (longest === undefined || longest.length === 0) return [];
  return [
    '',
    '  earlier keys, oldest first',
    ...longest.flatMap((node, index) => nodeLines(node, index, colours)),
  ];
}

function nodeLines(node: LineageNode, index: number, { dim, yellow }: Colours): string[] {
  const names = capabilityNames(node.flags);
  const lines = [
    `  ${index + 1}. ${node.fingerprint}`,
    `     ${dim(`still trusted with: ${names.length > 0 ? names.join(', ') : 'nothing'}`)}`,
  ];
  if ((node.flags & ROLLBACK_FLAG) !== 0)
    lines.push(`     ${yellow('warning: the holder of this key can take the app back (rollback)')}`);
  return lines;
}

function sdks(from: number, to: number): string {
  if (to === LAST_SDK) return `SDK ${from} and up`;
  return from === to ? `SDK ${from}` : `SDK ${from} to ${to}`;
}

function sizeText(bytes: number): string {
  const exact = `${bytes.toLocaleString('en-US')} bytes`;
  return bytes < 1024 * 1024 ? exact : `${(bytes / 1024 / 1024).toFixed(1)} MiB (${exact})`;
}

/** Capitalises a plain word only: `minSdkVersion` and the like are names. */
function capitalise(text: string): string {
  return /^[a-z]+\b/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

function toJson(verdict: ApkVerdict, sdk: number | undefined): Record<string, unknown> {
  const asked = sdk === undefined ? {} : { sdk };
  if (verdict.ok) {
    const against = obstacle(verdict.facts.concerns);
    const why = against && { code: against.code, message: against.message, hint: HINTS[against.code] };
    return { accepted: against === undefined, ...asked, ...why, ...factsJson(verdict.facts) };
  }
  const { code, message, partial = {} } = verdict;
  return { accepted: false, ...asked, code, message, hint: HINTS[code], ...factsJson(partial) };
}

/** Unknown facts are left out, because JSON drops `undefined`. */
function factsJson(facts: Partial<ApkFacts>): Record<string, unknown> {
  return {
    package: facts.package,
    version_code: facts.versionCode,
    version_name: facts.versionName,
    min_sdk: facts.minSdk,
    target_sdk: facts.targetSdk,
    debuggable: facts.debuggable,
    size_bytes: facts.sizeBytes,
    sha256: facts.sha256,
    schemes: facts.schemes,
    concerns: facts.concerns?.map(concern => ({ ...concern, hint: HINTS[concern.code] })),
    signers: facts.signers?.map(range => ({
      min_sdk: range.minSdk,
      max_sdk: range.maxSdk === LAST_SDK ? null : range.maxSdk,
      scheme: range.scheme,
      fingerprint: range.fingerprint,
      public_key_sha256: range.publicKeySha256,
      co_signers: range.coSigners,
      lineage: range.lineage.map(node => ({
        fingerprint: node.fingerprint,
        public_key_sha256: node.publicKeySha256,
        flags: node.flags,
        capabilities: capabilityNames(node.flags),
      })),
    })),
  };
}
