/** *Health*: first the problems, each with its cure; then all parts. */
import type { HealthCheck, HealthPart, HealthState } from '../domain/health/index.ts';
import { type Html, html, joined } from './html.ts';
import { icon, type Shape, type Tone } from './icons.ts';
import type { DashboardOptions } from './options.ts';
import type { Viewed, ViewOf } from './view.ts';
import { count } from './words.ts';

const NAMES: Readonly<Record<HealthPart, string>> = {
  clock: 'Clock',
  source: 'Source',
  artifacts: 'Stored APKs',
  keys: 'Device-token keys',
  operators: 'Operators’ tokens',
  certificate: 'TLS certificate',
  disk: 'Disk',
  object_store: 'Object store',
  push: 'Push (FCM)',
  github: 'GitHub',
  webhook: 'Webhook',
  sign_in: 'Sign-in',
  replicas: 'Controllers',
};

const LOOKS: Readonly<Record<HealthState, { shape: Shape; tone: Tone; word: string }>> = {
  fine: { shape: 'ok', tone: 'ok', word: 'fine' },
  off: { shape: 'none', tone: 'none', word: 'not set up' },
  warning: { shape: 'warn', tone: 'wait', word: 'needs attention' },
  failing: { shape: 'halt', tone: 'stop', word: 'does not work' },
};

const isTrouble = ({ state }: HealthCheck): boolean => state === 'warning' || state === 'failing';

/** How many parts need attention. */
export const troublesIn = (checks: readonly HealthCheck[]): number => checks.filter(isTrouble).length;

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

export const healthView =
  ({ ports }: DashboardOptions): ViewOf =>
  async (): Promise<Viewed> => {
    const checks = await ports.health.look();
    const of = (state: HealthState): number => checks.filter(c => c.state === state).length;
    const said = [
      [of('failing'), 'not working'],
      [of('warning'), 'to look at'],
      [of('fine'), 'fine'],
      [of('off'), 'not set up'],
    ] as const;
    const sum = joined(
      said.filter(([n]) => n > 0).map(([n, word]) => html`<b>${count(n)}</b> ${word}`),
      ', ',
    );
    const troubles = checks.filter(isTrouble);
    const sorted = [...troubles].sort(
      (a, b) => Number(b.state === 'failing') - Number(a.state === 'failing'),
    );
    return {
      title: 'Health',
      main: html`<section class="head"><div><h1>${troubles.length === 0 ? 'Everything is fine' : 'Health'}</h1><p class="lead q" aria-live="polite">${count(checks.length)} parts: ${sum}. Update checks are answered even if other parts are down.</p></div></section>
${sorted.map(trouble)}
<section class="card" aria-labelledby="h-parts"><header><h2 id="h-parts">All parts</h2><p><code>ota doctor</code> prints the same</p></header><ul class="health">${checks.map(row)}</ul></section>`,
    };
  };

function trouble({ part, state, text, cure }: HealthCheck): Html {
  const { shape, tone } = LOOKS[state];
  return html`<section class="note t-${tone}" aria-label="${NAMES[part]}">${icon(shape, tone)}<div><h2>${NAMES[part]}: ${LOOKS[state].word}</h2><p>${capital(text)}.</p>${cure !== undefined && html`<p><b>Cure:</b> ${cure}</p>`}</div></section>`;
}

function row({ part, state, text, cure }: HealthCheck): Html {
  const { shape, tone, word } = LOOKS[state];
  return html`<li>${icon(shape, tone)}<span class="name">${NAMES[part]}</span><span class="val ${state === 'fine' ? '' : tone}">${word}</span><span class="say">${capital(text)}${state === 'off' && cure !== undefined && html`; <span class="q">${cure}</span>`}</span></li>`;
}
