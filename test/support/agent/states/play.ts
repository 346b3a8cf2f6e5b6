/** Plays one row of the state table twice: with the lowest and with the highest draw. */
import type { Step } from '../../../../agent/effect.ts';
import { step } from '../../../../agent/step.ts';
import { factFrom, type Json, outcomeOf, stateFrom } from './json.ts';

export interface Row {
  readonly name: string;
  readonly state: Json;
  readonly fact: Json;
}

const HIGHEST = 1 - 2 ** -40;

export function outcome({ state, fact }: Row): Json {
  const before = stateFrom(state);
  const draw = (random: number): Step => step(before, factFrom(fact, before.epoch, random));
  return outcomeOf(before, { least: draw(0), most: draw(HIGHEST) });
}
