/** Writes docs/metrics.md from the metrics themselves. `npm run generate`; a test holds the two equal. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeObserver } from '../controller/observe/observe.ts';

const HEAD = `# Metrics

For everybody who monitors a controller: all metrics. \`GET /metrics\` returns them in the Prometheus text format. It needs a token with
scope \`metrics\`, but no token on a separate listener (\`OTA_OPERATOR_PORT\`). No metric has a label per device. Metrics of the process and of
Node.js (\`process_*\`, \`nodejs_*\`) are those of [prom-client](https://github.com/siimon/prom-client).

Alerts are in \`deploy/prometheus/rules.yaml\`, and a dashboard is in \`deploy/grafana/nexmdm-ota.json\`. The alerts need a scrape job
named \`nexmdm-ota\`:

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
