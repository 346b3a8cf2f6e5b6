/** A controller's answers to results (SPEC §5). */
import { randomUUID } from 'node:crypto';
import type { Offer } from '../../offer.ts';
import { must } from '../finding.ts';
import { type ControllerCheck, refused, reporting, withOffer } from './check.ts';
import { mustBeProblem } from './world.ts';

const result = (offer: Offer, more: Readonly<Record<string, unknown>> = {}) => ({
  request_id: randomUUID(),
  build_id: offer.buildId,
  outcome: 'skipped',
  reason: 'superseded',
  version_code: offer.versionCode,
  ...more,
});

export const RESULTS: readonly ControllerCheck[] = [
  refused('a_result_is_json', 'a body that is not JSON is 400', 'takes_results_that_are_not_json', [400], w =>
    w.ask('v1/action-result', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }),
  ),
  refused(
    'a_result_says_it_is_json',
    'a body of another type is 415',
    'takes_results_of_any_type',
    [415],
    w =>
      w.ask('v1/action-result', {
        method: 'POST',
        body: 'x=1',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
  ),
  refused('a_result_is_small', 'a body of 300 kB is 413', 'takes_results_of_any_size', [413], w =>
    w.report({ detail: 'x'.repeat(300_000) }),
  ),
  refused(
    'a_result_of_an_unknown_build_is_404',
    'an unknown build is 404',
    'takes_results_of_any_build',
    [404],
    w =>
      w.report({
        request_id: randomUUID(),
        build_id: 'no-such-build-1',
        outcome: 'skipped',
        reason: 'superseded',
        version_code: 1,
      }),
  ),
  withOffer(
    'reasons_are_a_closed_list',
    'an unknown reason is 400',
    'takes_any_reason',
    async (world, offer) => mustBeProblem(await world.report(result(offer, { reason: 'mood' })), 400),
  ),
  withOffer(
    'results_have_known_fields',
    'an unknown field is 400',
    'takes_unknown_fields',
    async (world, offer) => mustBeProblem(await world.report(result(offer, { mood: 1 })), 400),
  ),
  reporting(
    'the_same_result_twice_is_fine',
    'a repeated final result is 200',
    'refuses_a_repeated_result',
    async (world, offer) => {
      const entry = result(offer);
      for (const time of ['first', 'second']) {
        const { status } = await world.report(entry);
        must(status === 200, `the ${time} was answered ${status}`);
      }
    },
  ),
  reporting(
    'another_final_result_is_409',
    'a different final result of one attempt is 409',
    'takes_a_second_story',
    async (world, offer) => {
      const entry = result(offer);
      await world.report(entry);
      mustBeProblem(await world.report({ ...entry, outcome: 'fail', reason: 'internal' }), 409);
    },
  ),
  reporting(
    'a_deferral_may_come_first',
    'deferred reports may precede the final one',
    'ends_an_attempt_at_its_deferral',
    async (world, offer) => {
      const entry = result(offer);
      for (const report of [{ ...entry, outcome: 'deferred', reason: 'wifi' }, entry]) {
        const { status } = await world.report(report);
        must(status === 200, `${report.outcome} was answered ${status}`);
      }
    },
  ),
];
