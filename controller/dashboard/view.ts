/** A view: what it is asked with, and what it shows. */
import type { PageRequest } from '../ports/index.ts';
import type { Html } from './html.ts';
import type { Session } from './session.ts';

export interface Look {
  readonly request: PageRequest;
  readonly session: Session;
  readonly nowMs: number;
}

export interface Viewed {
  readonly title: string;
  readonly main: Html;
  readonly status?: number;
}

export type ViewOf = (look: Look) => Promise<Viewed>;
