import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makePublication } from '../../controller/reconcile/publication.ts';
import { aSnapshot } from '../support/state.ts';

test('subscribers are called in order, once the new snapshot is in force', () => {
  const publication = makePublication();
  const told: string[] = [];
  publication.subscribe(next => told.push(`a ${publication.snapshot === next}`));
  publication.subscribe(() => told.push('b'));
  assert.is(publication.snapshot, undefined);
  const snapshot = aSnapshot();
  publication.publish(snapshot);
  assert.is(publication.snapshot, snapshot);
  assert.equal(told, ['a true', 'b']);
});

test.run();
