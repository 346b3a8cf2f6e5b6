/** An `adb` that is no adb: answers from a folder, keeps what is "installed", and writes down every call. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface StandIn {
  readonly adbPath: string;
  readonly serial: string;
  /** What `adb shell COMMAND` prints from now on. */
  answer(command: string, text: string): Promise<void>;
  /** How the next installs end; undefined: by success. */
  failInstall(text: string | undefined): Promise<void>;
  /** Every later call ends with this error of adb itself; undefined: no more. */
  disconnect(error: string | undefined): Promise<void>;
  /** What adb itself says on standard error before it does anything. */
  notice(text: string): Promise<void>;
  /** Calls of this verb end so; undefined: no more. */
  failVerb(verb: string, error: string | undefined): Promise<void>;
  calls(): Promise<string[][]>;
}

/** Plain JavaScript, run as a program of its own: no loader, so that a call takes little time. */
const PROGRAM = `#!/usr/bin/env node
const fs = require('node:fs');
const path = require('node:path');
const home = path.join(path.dirname(process.argv[1]), 'device');
const at = name => path.join(home, encodeURIComponent(name));
const text = name => (fs.existsSync(at(name)) ? fs.readFileSync(at(name), 'utf8') : undefined);
const [flag, serial, verb, ...rest] = process.argv.slice(2);
fs.appendFileSync(at('calls'), JSON.stringify(process.argv.slice(2)) + '\\n');
const starting = text('daemon notice');
if (starting !== undefined) process.stderr.write(starting);
const failing = text('failing ' + verb);
if (failing !== undefined) { process.stderr.write(failing + '\\n'); process.exit(1); }
const broken = text('disconnected');
if (broken !== undefined) { process.stderr.write(broken + '\\n'); process.exit(1); }
if (flag !== '-s' || serial !== text('serial')) { process.stderr.write("error: device '" + serial + "' not found\\n"); process.exit(1); }
const package = text('package');
const installed = () => { const code = text('version'); return code === undefined ? undefined : { code, path: '/data/app/' + package + '-' + code + '/base.apk' }; };
if (verb === 'push') { fs.copyFileSync(rest[0], at('remote ' + rest[1])); console.log(rest[0] + ': 1 file pushed'); }
else if (verb === 'pull') {
  if (!fs.existsSync(at('base.apk'))) { process.stderr.write('adb: error: failed to stat remote object\\n'); process.exit(1); }
  fs.copyFileSync(at('base.apk'), rest[1]); console.log('1 file pulled');
} else if (verb === 'shell') shell(rest.join(' '));
function shell(command) {
  const told = text('answer ' + command);
  if (told !== undefined) return process.stdout.write(told);
  const now = installed();
  if (command === 'dumpsys package ' + package)
    return console.log(now === undefined ? 'Dexopt state:\\n  Unable to find package: ' + package : 'Packages:\\n  Package [' + package + '] (1a2b3c):\\n    userId=10118\\n    versionCode=' + now.code + ' minSdk=26 targetSdk=33');
  if (command === 'pm path ' + package) return now === undefined ? undefined : console.log('package:' + now.path + '\\npackage:' + now.path.replace('base', 'split_config.en'));
  if (command.startsWith('pm install ')) return install(command.split(' '));
  if (command.startsWith('rm -f ')) return fs.rmSync(at('remote ' + command.slice(6)), { force: true });
  process.stdout.write('/system/bin/sh: ' + command.split(' ')[0] + ': inaccessible or not found\\n');
}
function install(words) {
  const failure = text('install failure');
  if (failure !== undefined) return process.stdout.write(failure);
  const remote = at('remote ' + words.at(-1));
  if (!fs.existsSync(remote)) return console.log("avc: denied\\nError: Unable to open file: " + words.at(-1));
  fs.copyFileSync(remote, at('base.apk'));
  fs.writeFileSync(at('version'), text('next version'));
  console.log('Success');
}
`;

/** A device with this APK on it; `nextVersion` is what an install makes of it. */
export async function makeStandIn(
  folder: string,
  device: {
    package: string;
    sdk: number;
    installed: { apk: Buffer; versionCode: number };
    nextVersion: number;
  },
): Promise<StandIn> {
  const home = path.join(folder, 'device');
  await mkdir(home, { recursive: true });
  const adbPath = path.join(folder, 'adb');
  await writeFile(adbPath, PROGRAM);
  await chmod(adbPath, 0o755);
  const put = (name: string, content: string | Buffer) =>
    writeFile(path.join(home, encodeURIComponent(name)), content);
  const drop = async (name: string) => {
    const { rm } = await import('node:fs/promises');
    await rm(path.join(home, encodeURIComponent(name)), { force: true });
  };
  const serial = 'STANDIN0001';
  await put('serial', serial);
  await put('package', device.package);
  await put('version', String(device.installed.versionCode));
  await put('next version', String(device.nextVersion));
  await put('base.apk', device.installed.apk);
  await put('answer getprop ro.build.version.sdk', `${device.sdk}\n`);
  return {
    adbPath,
    serial,
    answer: (command, text) => put(`answer ${command}`, text),
    failInstall: text => (text === undefined ? drop('install failure') : put('install failure', text)),
    disconnect: error => (error === undefined ? drop('disconnected') : put('disconnected', error)),
    notice: text => put('daemon notice', text),
    failVerb: (verb, error) =>
      error === undefined ? drop(`failing ${verb}`) : put(`failing ${verb}`, error),
    calls: async () =>
      (await readFile(path.join(home, 'calls'), 'utf8'))
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as string[]),
  };
}
