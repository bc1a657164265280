/** Who waits for holds in front is asked again as soon as it may be worth it, in order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitingRoom } from '../../src/proxy/waiting.ts';
import { manualClock } from '../support/manual-clock.ts';

const KEY = 1n;
/** No time passes, so who goes on was woken. */
const STANDS = { ...manualClock(), after: () => () => undefined };

test('a call that ended while the ledger was asked is not waited for', async () => {
  const room = new WaitingRoom(STANDS);
  const ticket = room.ticket();
  room.asks(ticket);
  // The ledger has counted it as under way; its answer is on its way back.
  room.ended([KEY]);
  await room.wait(ticket, KEY, 5_000);
  room.asks(ticket);
  let over = false;
  const waiting = room.wait(ticket, KEY, 5_000).then(() => {
    over = true;
  });
  await new Promise(setImmediate);
  assert.equal(over, false, 'nothing has ended since');
  room.ended([KEY]);
  await waiting;
});

test('only the first in a queue is asked again, and the next when that one has left', async () => {
  const room = new WaitingRoom(STANDS);
  const [first, second] = [room.ticket(), room.ticket()];
  const served: string[] = [];
  const wait = async (name: string, ticket: typeof first) => {
    room.asks(ticket);
    await room.wait(ticket, KEY, 5_000);
    served.push(name);
  };
  // The later one came to the queue before.
  const both = [wait('second', second), wait('first', first)];
  assert.equal(room.before(second, [KEY]), KEY);
  assert.equal(room.before(first, [KEY]), null);
  room.ended([KEY]);
  await both[1];
  assert.deepEqual(served, ['first']);
  room.leave(first);
  await both[0];
  assert.deepEqual(served, ['first', 'second']);
  room.leave(second);
  assert.equal(room.size, 0);
});
