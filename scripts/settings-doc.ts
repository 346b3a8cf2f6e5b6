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

For everybody who runs a controller: all settings, which the controller reads from environment variables. If a value is wrong or an
\`OTA_…\` variable is unknown, the controller does not start and lists all mistakes. A secret can also be in a file: add \`_FILE\` to the
name and give its path, for example \`OTA_GITHUB_TOKEN_FILE=/run/secrets/github\`.

\`npm run generate\` writes this page from \`controller/settings/\`.

| setting | what it does | form | default |
|---|---|---|---|
${rows.join('\n')}

The command line \`ota\` reads other variables: \`OTA_URL\` (the controller), \`OTA_ADMIN_TOKEN\` (the operator's token) or
\`OTA_ADMIN_TOKEN_FILE\` (a file with it, mode 0600), and \`OTA_CONTEXT\`. The reference agent reads \`OTA_AGENT_…\`. The controller ignores all
of these.
`,
);
