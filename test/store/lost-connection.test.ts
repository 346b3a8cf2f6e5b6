/** What the driver says of a lost connection is a Fault: callers try again, and the process goes on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../controller/domain/fault.ts';
import { toFault } from '../../controller/store/faults.ts';

test('a connection that is lost in the middle of a statement is a fault, although Knex names the statement first', () => {
  for (const said of [
    'Connection terminated unexpectedly',
    'BEGIN; - Connection terminated unexpectedly',
    'ROLLBACK - Client has encountered a connection error and is not queryable',
    'select "epoch" from "leader" - Query read timeout',
  ])
    assert.is(faultCode(toFault(new Error(said))), 'store_unreachable', said);
  const ours = new TypeError('x is not a function');
  assert.is(toFault(ours), ours);
});

test.run();
