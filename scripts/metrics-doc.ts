/** Writes docs/metrics.md from the metrics themselves. `npm run generate`; a test holds the two equal. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeObserver } from '../controller/observe/observe.ts';

const HEAD = `# Metrics

\`GET /metrics\` in the Prometheus text format, for a token with scope \`metrics\`; without one on a listener of its own
(\`OTA_OPERATOR_PORT\`). No metric has a label per device. Those of the process and of Node.js (\`process_*\`, \`nodejs_*\`) are
[prom-client's](https://github.com/siimon/prom-client).

Alerts: \`deploy/prometheus/rules.yaml\`, each tried by \`promtool test rules\`. Dashboard: \`deploy/grafana/nexmdm-ota.json\`. The
alerts expect a scrape job named \`nexmdm-ota\`:

\`\`\`yaml
scrape_configs:
  - job_name: nexmdm-ota
    scheme: https
    authorization: {credentials_file: /etc/prometheus/nexmdm-ota.token}
    static_configs: [{targets: [ota.example.com]}]
\`\`\`

`;

interface Described {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames?: readonly string[];
}

/** The whole page. */
export function metricsDoc(): string {
  const { registry } = makeObserver({ level: 'silent', destination: { write: () => undefined } });
  const ours = (registry.getMetricsAsArray() as unknown as Described[]).filter(({ name }) =>
    name.startsWith('ota_'),
  );
  const row = ({ name, type, labelNames = [], help }: Described): string =>
    `| \`${name}\` | ${type} | ${labelNames.map(label => `\`${label}\``).join(' ')} | ${help} |`;
  return `${HEAD}| metric | type | labels | what it counts |\n|---|---|---|---|\n${ours.map(row).join('\n')}\n`;
}

const file = path.resolve(import.meta.dirname, '../docs/metrics.md');
if (process.argv[1] === import.meta.filename) writeFileSync(file, metricsDoc());
