/** Draws docs/images/gate-*.svg from played rollouts. Run: node --import tsx scripts/gate-pictures.ts */
import { mkdirSync, writeFileSync } from 'node:fs';
import { bounds, rollouts } from './gate-pictures/pictures.ts';

const folder = new URL('../docs/images/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('gate-rollouts.svg', folder), rollouts());
writeFileSync(new URL('gate-bounds.svg', folder), bounds());
