/** A check of a controller, and its three usual forms. */
import type { Offer } from '../../offer.ts';
import { type Answer, mustBeProblem, type World } from './world.ts';

/** `skip`: the controller is not in a state in which this can be checked. */
export interface ControllerCheck {
  readonly name: string;
  readonly clause: string;
  /** The wrong controller that this check catches; the tests contain one of this name and show that it fails. */
  readonly catches: string;
  run(world: World): Promise<'ok' | { readonly skip: string }>;
}

const NO_OFFER = { skip: 'this device has no offer: promote a build to it' };
/** The answer must be a problem with one of these statuses. */
export const refused = (
  name: string,
  clause: string,
  catches: string,
  statuses: readonly number[],
  ask: (world: World) => Promise<Answer>,
): ControllerCheck => ({
  name,
  clause,
  catches,
  run: async world => {
    mustBeProblem(await ask(world), ...statuses);
    return 'ok';
  },
});

/** Needs a device with an offer. */
export const withOffer = (
  name: string,
  clause: string,
  catches: string,
  run: (world: World, offer: Offer) => Promise<void>,
): ControllerCheck => ({
  name,
  clause,
  catches,
  run: async world => {
    const offer = await world.offer();
    if (offer === undefined) return NO_OFFER;
    await run(world, offer);
    return 'ok';
  },
});

/** Posts results, so it runs only if that is allowed. */
export const reporting = (...given: Parameters<typeof withOffer>): ControllerCheck => {
  const check = withOffer(...given);
  const run = async (world: World) =>
    world.under.mayReport ? check.run(world) : { skip: 'needs --with-reports' };
  return { ...check, run };
};
