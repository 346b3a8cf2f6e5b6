/**
 * What devices of several Android versions and vendors print. `source` names the public page a text was taken from,
 * shortened to the lines that matter; `synthetic` ones are written after AOSP's dump methods.
 */

export interface Replay<T> {
  readonly name: string;
  readonly source: string;
  readonly text: string;
  readonly means: T;
}

export const BATTERIES: readonly Replay<{ percent: number | undefined; charging: boolean | undefined }>[] = [
  {
    name: 'Samsung, Android 8, charging over USB, vendor lines in between',
    source: 'https://gh0st.tistory.com/6',
    text: `Current Battery Service state:
  mBootCompleted: true
  AC powered: false
  USB powered: true
  Wireless powered: false
  Charge counter: 0
  status: 2
  health: 2
  present: true
  level: 84
  scale: 100
  technology: Li-ion
  mSecPlugTypeSummary: 2
  LED Low Battery: true
USE_FAKE_BATTERY: false
LLB CAL:
LLB MAN: 20160426
BatteryInfoBackUp
  mSavedBatteryAsoc: 77
`,
    means: { percent: 84, charging: true },
  },
  {
    name: 'TV box on mains that calls itself not charging',
    source: 'http://ppmy.cn/news/1423084.html',
    text: `Current Battery Service state:
  AC powered: false
  USB powered: false
  Wireless powered: false
  Max charging current: 0
  Charge counter: 1000
  status: 4
  health: 2
  present: true
  level: 90
  scale: 100
  voltage: 13
  technology: Li-ion
`,
    means: { percent: 90, charging: false },
  },
  {
    name: 'the same TV box, charging',
    source: 'http://ppmy.cn/news/1423084.html',
    text: `Current Battery Service state:
  AC powered: true
  USB powered: false
  Wireless powered: false
  status: 2
  present: true
  level: 90
  scale: 100
`,
    means: { percent: 90, charging: true },
  },
  {
    name: 'a vendor that appends a log with a second level',
    source: 'synthetic',
    text: `Current Battery Service state:
  AC powered: false
  USB powered: false
  status: 3
  present: true
  level: 17
  scale: 100
[EventLogBuffer]
  level: 98
  AC powered: true
08-11 18:34:14.721  Sending ACTION_BATTERY_CHANGED: level:72, health:2
`,
    means: { percent: 17, charging: false },
  },
  {
    name: 'plugged into a weak port and discharging all the same',
    source: 'synthetic',
    text: 'Current Battery Service state:\n  AC powered: false\n  USB powered: true\n  status: 3\n  level: 9\n  scale: 100\n',
    means: { percent: 9, charging: false },
  },
  {
    name: 'a kiosk without a battery',
    source: 'synthetic',
    text: 'Current Battery Service state:\n  AC powered: false\n  USB powered: false\n  status: 1\n  present: false\n  level: 0\n  scale: 100\n',
    means: { percent: 0, charging: true },
  },
  {
    name: 'a scale of 255, Windows line ends, updates stopped by a tester',
    source: 'synthetic',
    text: "Current Battery Service state:\r\n  (UPDATES STOPPED -- use 'reset' to restart)\r\n  AC powered: false\r\n  Dock powered: true\r\n  status: 5\r\n  level: 128\r\n  scale: 255\r\n",
    means: { percent: 50, charging: true },
  },
  {
    name: 'a level that cannot be',
    source: 'synthetic',
    text: 'Current Battery Service state:\n  USB powered: false\n  status: 3\n  level: -1\n  scale: 100\n',
    means: { percent: undefined, charging: false },
  },
  {
    name: 'no such service',
    source: 'synthetic',
    text: "Can't find service: battery\n",
    means: { percent: undefined, charging: undefined },
  },
  { name: 'nothing', source: 'synthetic', text: '', means: { percent: undefined, charging: undefined } },
];

export const CALLS: readonly Replay<boolean | undefined>[] = [
  {
    name: 'one SIM, idle',
    source: 'synthetic',
    text: 'last known state:\n  Phone Id=0\n    mCallState=0\n    mRingingCallState=0\n    mForegroundCallState=0\n    mCallIncomingNumber=\n',
    means: false,
  },
  {
    name: 'two SIMs, off hook on the second',
    source: 'synthetic',
    text: 'last known state:\n  Phone Id=0\n    mCallState=0\n  Phone Id=1\n    mCallState=2\n    mCallIncomingNumber=\n',
    means: true,
  },
  {
    name: 'ringing on the first of two SIMs',
    source: 'synthetic',
    text: '  Phone Id=0\n    mCallState=1\n  Phone Id=1\n    mCallState=0\n',
    means: true,
  },
  {
    name: 'before Android 10: no Phone Id',
    source: 'synthetic',
    text: 'last known state:\n  mCallState=0\n  mCallIncomingNumber=\n  mServiceState=0 home T-Mobile\n',
    means: false,
  },
  {
    name: 'only states of other kinds',
    source: 'synthetic',
    text: '    mRingingCallState=0\n    mForegroundCallState=1\n',
    means: undefined,
  },
  {
    name: 'a dump that ran out of time',
    source: 'synthetic',
    text: "last known state:\n    mCallState=0\n*** SERVICE 'telephony.registry' DUMP TIMEOUT (10000ms) EXPIRED ***\n",
    means: undefined,
  },
  {
    name: 'no such service',
    source: 'synthetic',
    text: "Can't find service: telephony.registry\n",
    means: undefined,
  },
];

const CELLULAR_225 =
  '  NetworkAgentInfo{network{225}  handle{969773338637}  ni{MOBILE[LTE] CONNECTED extra: mobile-network} Score(Policies : TRANSPORT_PRIMARY&EVER_EVALUATED&EVER_VALIDATED&IS_VALIDATED ; KeepConnected : 0)  nc{[ Transports: CELLULAR Capabilities: INTERNET&NOT_RESTRICTED&TRUSTED&NOT_VPN&VALIDATED&NOT_ROAMING LinkUpBandwidth>=15000Kbps]}}\n';

export const NETWORKS: readonly Replay<boolean | undefined>[] = [
  {
    name: 'Android 13: Wi-Fi by default beside a mobile network',
    source: 'https://github.com/celzero/rethink-app/issues/2414 (agents shortened, the Wi-Fi one completed)',
    text: `NetworkProviders for:
  8: WifiNetworkFactory

Active default network: 231

Current Networks:
${CELLULAR_225}  NetworkAgentInfo{network{231}  handle{995543142413}  ni{WIFI CONNECTED extra: } nc{[ Transports: WIFI Capabilities: NOT_METERED&INTERNET&NOT_RESTRICTED&TRUSTED&NOT_VPN&VALIDATED&NOT_ROAMING LinkUpBandwidth>=86000Kbps SignalStrength: -55]}}
`,
    means: true,
  },
  {
    name: 'Android 13: the mobile network by default beside Wi-Fi',
    source: 'https://github.com/celzero/rethink-app/issues/2414 (agents shortened)',
    text: `Active default network: 225\n\nCurrent Networks:\n${CELLULAR_225}`,
    means: false,
  },
  {
    name: 'Android 8: capabilities of a validated Wi-Fi',
    source:
      'https://github.com/AnchorFreePartner/hydrasdk-demo-android/issues/115 (capabilities; the frame is synthetic)',
    text: `Active default network: 101
Current Networks:
  NetworkAgentInfo{ ni{[type: WIFI[], state: CONNECTED/CONNECTED, reason: (unspecified), extra: (none), failover: false, available: true, roaming: false]}  network{101}  lp{{InterfaceName: wlan0}}  nc{[ Transports: WIFI Capabilities: NOT_METERED&INTERNET&NOT_RESTRICTED&TRUSTED&NOT_VPN&VALIDATED&NOT_ROAMING&FOREGROUND&NOT_CONGESTED&NOT_SUSPENDED LinkUpBandwidth>=1048576Kbps LinkDnBandwidth>=1048576Kbps SignalStrength: -65]}  Score{60} }
`,
    means: true,
  },
  {
    name: 'Wi-Fi behind a captive portal: not validated',
    source: 'synthetic',
    text: 'Active default network: 100\n  NetworkAgentInfo{network{100} nc{[ Transports: WIFI Capabilities: NOT_METERED&INTERNET&CAPTIVE_PORTAL&TRUSTED]}}\n',
    means: false,
  },
  {
    name: 'a metered hotspot',
    source: 'synthetic',
    text: 'Active default network: 100\n  NetworkAgentInfo{network{100} nc{[ Transports: WIFI Capabilities: INTERNET&TRUSTED&VALIDATED]}}\n',
    means: false,
  },
  {
    name: 'unmetered for the moment is metered',
    source: 'synthetic',
    text: 'Active default network: 100\n  NetworkAgentInfo{network{100} nc{[ Transports: WIFI Capabilities: TEMPORARILY_NOT_METERED&INTERNET&VALIDATED]}}\n',
    means: false,
  },
  {
    name: 'a kiosk on Ethernet',
    source: 'synthetic',
    text: 'Active default network: 100\n  NetworkAgentInfo{network{100} ni{Ethernet CONNECTED} nc{[ Transports: ETHERNET Capabilities: NOT_METERED&INTERNET&VALIDATED]}}\n',
    means: true,
  },
  {
    name: 'a VPN over Wi-Fi, and one over the mobile network',
    source: 'synthetic',
    text: 'Active default network: 102\n  NetworkAgentInfo{network{102} nc{[ Transports: WIFI|VPN Capabilities: NOT_METERED&INTERNET&VALIDATED]}}\n',
    means: true,
  },
  {
    name: 'a VPN over both at once',
    source: 'synthetic',
    text: 'Active default network: 102\n  NetworkAgentInfo{network{102} nc{[ Transports: CELLULAR|WIFI|VPN Capabilities: NOT_METERED&INTERNET&VALIDATED]}}\n',
    means: false,
  },
  {
    name: 'no network',
    source: 'synthetic',
    text: 'Active default network: none\n\nCurrent Networks:\n',
    means: false,
  },
  {
    name: 'a default network that is not listed',
    source: 'synthetic',
    text: `Active default network: 231\n${CELLULAR_225}`,
    means: undefined,
  },
  {
    name: 'a text cut before the answer',
    source: 'synthetic',
    text: 'NetworkProviders for:\n  8: Wifi',
    means: undefined,
  },
];

const packageBlock = (code: number): string => `  Package [com.nexmdm.agent] (4a50e0):
    userId=10118
    pkg=Package{330fe6f com.nexmdm.agent}
    codePath=/data/app/~~x==/com.nexmdm.agent-y==
    versionCode=${code} minSdk=26 targetSdk=33
    versionName=${code}.0.0
    apkSigningVersion=3
    signatures=PackageSignatures{5f1c3a1 version:3, signatures:[b4addb29], past signatures:[]}
`;

export const PACKAGES: readonly Replay<number | undefined>[] = [
  {
    name: 'installed',
    source: 'https://sunphiz.me/wp/archives/3025 (form of the block)',
    text: `Packages:\n${packageBlock(41)}`,
    means: 41,
  },
  {
    name: 'an updated system app: the hidden one beneath does not count',
    source: 'synthetic',
    text: `Packages:\n${packageBlock(42)}\nHidden system packages:\n${packageBlock(7)}`,
    means: 42,
  },
  {
    name: 'not installed',
    source: 'synthetic',
    text: 'Dexopt state:\n  Unable to find package: com.nexmdm.agent\n',
    means: 0,
  },
  {
    name: 'another package whose name begins alike',
    source: 'synthetic',
    text: `Packages:\n${packageBlock(9).replaceAll('com.nexmdm.agent', 'com.nexmdm.agent.beta')}`,
    means: 0,
  },
  {
    name: 'uninstalled for its user with the data kept (pm uninstall -k --user 0)',
    source:
      'https://cs.android.com/android/platform/superproject/+/android-14.0.0_r1:frameworks/base/services/core/java/com/android/server/pm/Settings.java',
    text: `Packages:\n${packageBlock(41)}    User 0: ceDataInode=-4294836 installed=false hidden=false suspended=false distractionFlags=0 stopped=true notLaunched=true enabled=0 instant=false virtual=false\n`,
    means: 0,
  },
  {
    name: 'installed for its user',
    source:
      'https://cs.android.com/android/platform/superproject/+/android-14.0.0_r1:frameworks/base/services/core/java/com/android/server/pm/Settings.java',
    text: `Packages:\n${packageBlock(41)}    User 0: ceDataInode=131072 installed=true hidden=false suspended=false stopped=false notLaunched=false enabled=0\n    User 10: ceDataInode=0 installed=false hidden=false stopped=true\n`,
    means: 41,
  },
  {
    name: 'a dump cut before the version',
    source: 'synthetic',
    text: 'Packages:\n  Package [com.nexmdm.agent] (4a50e0):\n    userId=10118\n',
    means: undefined,
  },
];

export const INSTALLS: readonly Replay<string>[] = [
  { name: 'Success', source: 'synthetic', text: 'Success\n', means: 'ok' },
  {
    name: 'Android 14 refuses a downgrade',
    source: 'https://github.com/TheAirBlow/HyperSploit/issues/20',
    text: 'Failure [INSTALL_FAILED_VERSION_DOWNGRADE: Downgrade detected: Update version code 34 is older than current 35]\n',
    means: 'INSTALL_FAILED_VERSION_DOWNGRADE',
  },
  {
    name: 'Android 7 refuses a downgrade',
    source: 'https://github.com/flutter/flutter/issues/111179',
    text: '\tpkg: /data/local/tmp/a.apk\nFailure [INSTALL_FAILED_VERSION_DOWNGRADE]\n',
    means: 'INSTALL_FAILED_VERSION_DOWNGRADE',
  },
  {
    name: 'another signer',
    source: 'synthetic',
    text: 'Failure [INSTALL_FAILED_UPDATE_INCOMPATIBLE: Existing package com.nexmdm.agent signatures do not match newer version; ignoring!]\n',
    means: 'INSTALL_FAILED_UPDATE_INCOMPATIBLE',
  },
  {
    name: 'a vendor in its own language',
    source: 'synthetic',
    text: 'Failure [INSTALL_FAILED_USER_RESTRICTED: 安装被用户取消]\n',
    means: 'INSTALL_FAILED_USER_RESTRICTED',
  },
  { name: 'no answer', source: 'synthetic', text: '', means: 'no_answer' },
  {
    name: 'the package manager died',
    source: 'synthetic',
    text: "Error: Can't find service: package\n",
    means: 'no_answer',
  },
  {
    name: 'Android 11 to 16 refuse compressed resources, by number',
    source: 'https://github.com/connectbot/connectbot/issues/1294',
    text: 'Failure [-124: Failed parse during installPackageLI: Targeting R+ (version 30 and above) requires the resources.arsc of installed APKs to be stored uncompressed and aligned on a 4-byte boundary]\n',
    means: 'INSTALL_PARSE_FAILED_RESOURCES_ARSC_COMPRESSED',
  },
  {
    name: 'an old device that says a number alone',
    source: 'https://github.com/i-p-tel/sipdroid/issues/28',
    text: 'Failure [-12]\n',
    means: 'INSTALL_FAILED_OLDER_SDK',
  },
  { name: 'a number nobody knows', source: 'synthetic', text: 'Failure [-9999]\n', means: 'failure_9999' },
  {
    name: 'a reason that is null',
    source: 'synthetic',
    text: 'Failure [null]\n',
    means: 'failure_unnamed',
  },
  {
    name: 'a Java exception that names a permission',
    source: 'https://github.com/rom1v/sndcpy/issues/151',
    text: "\nException occurred while executing 'install':\njava.lang.SecurityException: You need the android.permission.INSTALL_GRANT_RUNTIME_PERMISSIONS permission to use the PackageManager.INSTALL_GRANT_RUNTIME_PERMISSIONS flag\n\tat com.android.server.pm.PackageInstallerService.createSessionInternal(PackageInstallerService.java:621)\n",
    means: 'java.lang.SecurityException',
  },
  {
    name: 'Android 9 tells the same exception in a line of its own',
    source: 'https://github.com/appium/appium/issues/12831',
    text: 'Security exception: You need the android.permission.INSTALL_GRANT_RUNTIME_PERMISSIONS permission to use the PackageManager.INSTALL_GRANT_RUNTIME_PERMISSIONS flag\n\njava.lang.SecurityException: You need the android.permission.INSTALL_GRANT_RUNTIME_PERMISSIONS permission to use the PackageManager.INSTALL_GRANT_RUNTIME_PERMISSIONS flag\n',
    means: 'java.lang.SecurityException',
  },
  {
    name: 'a duplicate permission that is named like a code',
    source: 'synthetic',
    text: 'Failure [INSTALL_FAILED_DUPLICATE_PERMISSION: Package com.nexmdm.agent attempting to redeclare permission com.vendor.INSTALL_FAILED_ABORTED already owned by com.vendor]\n',
    means: 'INSTALL_FAILED_DUPLICATE_PERMISSION',
  },
  {
    name: 'a vendor that tells its reason after the file name',
    source: 'https://github.com/seaky/nspanel_pro_tools_apk/issues/90',
    text: 'adb: failed to install a.apk: Failure [INSTALL_FAILED_ALREADY_EXISTS: Attempt to re-install com.google.android.webview without first uninstalling.]\n',
    means: 'INSTALL_FAILED_ALREADY_EXISTS',
  },
];
