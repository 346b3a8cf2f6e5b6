/** Writes docs/settings.md from the one table of settings. Run: node --import tsx scripts/settings-doc.ts */
import { writeFileSync } from 'node:fs';
import { SETTINGS } from '../controller/settings/settings.ts';

const shown = (value: unknown, form: string): string => {
  if (value === undefined || value instanceof Map) return '';
  if (typeof value === 'number' && form.startsWith('a duration')) {
    const [unit, size] = (
      [
        ['d', 86_400_000],
        ['h', 3_600_000],
        ['m', 60_000],
        ['s', 1000],
      ] as const
    ).find(([, ms]) => value % ms === 0) ?? ['ms', 1];
    return `\`${value / size}${unit}\``;
  }
  return `\`${String(value)}\``;
};

const rows = Object.entries(SETTINGS).map(
  ([name, s]) => `| \`${name}\` | ${s.about} | ${s.form} | ${shown(s.fallback, s.form)} |`,
);
writeFileSync(
  new URL('../docs/settings.md', import.meta.url),
  `# Settings

The controller reads its settings from the environment. A wrong value or an unknown \`OTA_…\` name stops it at start with a
text that names every mistake. A secret may be given as a file instead: \`OTA_GITHUB_TOKEN_FILE=/run/secrets/github\`.
This page is written by \`node --import tsx scripts/settings-doc.ts\`.

| setting | what it does | form | default |
|---|---|---|---|
${rows.join('\n')}

The command line \`ota\` reads others: \`OTA_URL\`, where the controller is reached, \`OTA_ADMIN_TOKEN\`, the operator's token, or
\`OTA_ADMIN_TOKEN_FILE\`, the file that holds it (mode 0600), and \`OTA_CONTEXT\`. The controller passes over them, and over the agent's \`OTA_AGENT_…\`.
`,
);
