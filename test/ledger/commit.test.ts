/**
 * Group commit, with a writer that the test holds: what shares a commit, what a failed one does to
 * whom, and in which order everything is written.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { type BatchResult, CommitQueue, type Operation } from '../../src/ledger/commit.ts';
import { LedgerConflict, LedgerUnavailable } from '../../src/ledger/ledger.ts';

interface Batch {
  /** The first argument of each operation, or its name. */
  names: string[];
  end(result?: BatchResult): void;
}

/** A queue whose batches wait, one at a time, until the test says what became of them. */
function held() {
  const begun: Batch[] = [];
  let open = 0;
  let came = Promise.withResolvers<void>();
  const faults: string[] = [];
  const troubles: (string | null)[] = [];
  const write = (operations: Operation[]): Promise<BatchResult> => {
    assert.equal(++open, 1, 'two batches are written at once');
    return new Promise((resolve) => {
      const ok = { results: operations.map(([, [value]]) => ({ value })) };
      begun.push({
        names: operations.map(([name, [value]]) => String(value ?? name)),
        end(result = ok) {
          open -= 1;
          resolve(result);
        },
      });
      came.resolve();
      came = Promise.withResolvers();
    });
  };
  const queue = new CommitQueue(write, {
    onFault: (operation, fault) => void faults.push(`${operation}: ${fault}`),
    onTrouble: (why) => void troubles.push(why),
  });
  /** The next batch, once it is being written. */
  const next = async (): Promise<Batch> => {
    while (begun.length === 0) await came.promise;
    return begun.shift()!;
  };
  return { queue, next, begun, faults, troubles };
}

const FULL: BatchResult = { unavailable: 'disk is full' };

test('what is asked for in one turn is written in one commit, in order, settlements with it', async () => {
  const { queue, next } = held();
  queue.defer('settle', 's1');
  const answers = [queue.submit('admit', 'a1'), queue.submit('admit', 'a2')];
  queue.defer('settle', 's2');
  answers.push(queue.submit('admit', 'a3'));
  const batch = await next();
  assert.deepEqual(batch.names, ['s1', 'a1', 'a2', 's2', 'a3']);
  batch.end();
  assert.deepEqual(await Promise.all(answers), ['a1', 'a2', 'a3']);
});

test('what comes while a commit is being written forms the next one', async () => {
  const { queue, next, begun } = held();
  const first = queue.submit('admit', 'a1');
  const batch = await next();
  const later = ['a2', 'a3', 'a4'].map((name) => queue.submit('admit', name));
  await turn();
  assert.equal(begun.length, 0, 'the next commit has begun before this one ended');
  batch.end();
  assert.equal(await first, 'a1');
  const second = await next();
  assert.deepEqual(second.names, ['a2', 'a3', 'a4']);
  second.end();
  assert.deepEqual(await Promise.all(later), ['a2', 'a3', 'a4']);
});

test('nobody is answered before the commit has ended', async () => {
  const { queue, next } = held();
  let answered = false;
  const answer = queue.submit('admit', 'a1').then(() => {
    answered = true;
  });
  const batch = await next();
  for (let i = 0; i < 5; i++) await turn();
  assert.equal(answered, false);
  batch.end();
  await answer;
});

test('what is urgent goes first, in a commit of its own, and the others keep their order', async () => {
  const { queue, next } = held();
  const under = queue.submit('admit', 'a1');
  const batch = await next();
  queue.defer('settle', 's1');
  const [a2, r1, a3, r2] = [
    queue.submit('admit', 'a2'),
    queue.submitFirst('revoke', 'r1'),
    queue.submit('admit', 'a3'),
    queue.submitFirst('revoke', 'r2'),
  ];
  batch.end();
  assert.equal(await under, 'a1');
  const urgent = await next();
  assert.deepEqual(urgent.names, ['r1', 'r2']);
  urgent.end();
  assert.deepEqual(await Promise.all([r1, r2]), ['r1', 'r2']);
  const rest = await next();
  assert.deepEqual(rest.names, ['s1', 'a2', 'a3']);
  rest.end();
  await Promise.all([a2, a3]);
});

test('while nothing can be written, not even what is urgent passes the settlements that wait', async () => {
  const { queue, next } = held();
  queue.defer('settle', 's1');
  (await next()).end(FULL);
  await turn();
  assert.equal(queue.trouble, 'disk is full');
  const refused = queue.submitFirst('revoke', 'r1');
  const second = await next();
  assert.deepEqual(second.names, ['s1', 'r1']);
  second.end(FULL);
  await assert.rejects(refused, LedgerUnavailable);
  assert.equal(queue.trouble, 'disk is full');
  const third = await next();
  assert.deepEqual(third.names, ['s1']);
  third.end();
});

test('a settlement alone is written too, without anybody asking', async () => {
  const { queue, next } = held();
  queue.defer('settle', 's1');
  const batch = await next();
  assert.deepEqual(batch.names, ['s1']);
  batch.end();
  await turn();
  assert.equal(queue.length, 0);
});

test('a commit that fails refuses those who wait for it, and keeps every settlement, in order', async () => {
  const { queue, next, troubles } = held();
  queue.defer('settle', 's1');
  const [one, two] = [queue.submit('admit', 'a1'), queue.submit('admit', 'a2')];
  queue.defer('settle', 's2');
  const batch = await next();
  queue.defer('settle', 's3');
  batch.end(FULL);
  for (const refused of [one, two]) {
    await assert.rejects(refused, (error: Error) => {
      assert.ok(error instanceof LedgerUnavailable);
      assert.equal(error.message, 'disk is full');
      return true;
    });
  }
  assert.equal(queue.trouble, 'disk is full');
  const again = queue.submit('admit', 'a3');
  const second = await next();
  assert.deepEqual(second.names, ['s1', 's2', 's3', 'a3']);
  second.end();
  assert.equal(await again, 'a3');
  assert.equal(queue.trouble, null);
  assert.deepEqual(troubles, ['disk is full', null]);
});

test('a writer that breaks down is a commit that failed', async () => {
  const queue = new CommitQueue(() => Promise.reject(new Error('no thread')), {
    onFault: () => undefined,
    onTrouble: () => undefined,
  });
  await assert.rejects(queue.submit('admit', 'a1'), LedgerUnavailable);
  queue.close('done');
});

test('who stands behind more settlements than one commit takes is refused with them', async () => {
  const { queue, next } = held();
  for (let i = 0; i < 2_000; i++) queue.defer('settle', `s${i}`);
  const refused = queue.submit('admit', 'a1');
  const batch = await next();
  assert.ok(!batch.names.includes('a1'));
  batch.end(FULL);
  await assert.rejects(refused, LedgerUnavailable);
  // All of them are still there, in order.
  const written: string[] = [];
  while (written.length < 2_000) {
    const each = await next();
    written.push(...each.names);
    each.end();
  }
  assert.deepEqual(
    written,
    Array.from({ length: 2_000 }, (_, i) => `s${i}`),
  );
});

test('after a failure with nothing left to write, a probe finds out when it is over', async () => {
  const { queue, next, troubles } = held();
  const refused = queue.submit('admit', 'a1');
  (await next()).end(FULL);
  await assert.rejects(refused, LedgerUnavailable);
  const probe = await next();
  assert.deepEqual(probe.names, ['probe']);
  probe.end(FULL);
  const second = await next();
  assert.deepEqual(second.names, ['probe'], 'one is enough');
  second.end();
  await turn();
  assert.deepEqual([queue.length, queue.trouble, troubles.length], [0, null, 2]);
});

test('a conflict and a fault are answers to the one that asked, and touch nobody else', async () => {
  const { queue, next, faults } = held();
  const asked = ['fine', 'conflict', 'fault'].map((name) => queue.submit('admit', name));
  queue.defer('settle', 's1');
  (await next()).end({
    results: [{ value: 'fine' }, { conflict: 'no such key' }, { fault: 'a bug' }, { fault: 'bad' }],
  });
  const [fine, conflict, fault] = await Promise.allSettled(asked);
  assert.deepEqual(fine, { status: 'fulfilled', value: 'fine' });
  assert.ok(conflict!.status === 'rejected' && conflict!.reason instanceof LedgerConflict);
  assert.ok(fault!.status === 'rejected' && !(fault!.reason instanceof LedgerUnavailable));
  assert.deepEqual(faults, ['settle: bad']);
  assert.equal(queue.length, 0, 'a settlement that can never be written is not tried for ever');
});

test('of a commit that was split, what could not be written stays in order', async () => {
  const { queue, next } = held();
  for (const name of ['s1', 's2', 's3']) queue.defer('settle', name);
  const asked = queue.submit('admit', 'a1');
  const unavailable = 'disk is full';
  (await next()).end({
    results: [{ value: 's1' }, { unavailable }, { unavailable }, { unavailable }],
  });
  await assert.rejects(asked, LedgerUnavailable);
  const again = await next();
  assert.deepEqual(again.names, ['s2', 's3']);
  again.end();
});

test('a closed queue refuses, and tells how many settlements it could not write', async () => {
  const { queue, next, begun } = held();
  const under = queue.submit('admit', 'a1');
  queue.defer('settle', 's1');
  const batch = await next();
  queue.defer('settle', 's2');
  const waiting = queue.submit('admit', 'a2');
  assert.equal(queue.close('stopping'), 1);
  await assert.rejects(waiting, /stopping/);
  await assert.rejects(queue.submit('admit', 'a3'), LedgerUnavailable);
  batch.end();
  assert.equal(await under, 'a1', 'the commit that was under way has its end');
  await turn();
  assert.equal(begun.length, 0);
});

test('a settlement that comes while a slow commit is being written does not wait for a caller', async () => {
  const { queue, next } = held();
  const first = queue.submit('admit', 'a1');
  const slow = await next();
  queue.defer('settle', 's1');
  await sleep(30); // its ride has passed: the commit is not over yet
  slow.end();
  await first;
  const own = await next();
  assert.deepEqual(own.names, ['s1']);
  own.end();
});

test('a closed queue tries nothing again, also when the commit that was under way fails', async () => {
  const { queue, next } = held();
  queue.defer('settle', 's1');
  const under = queue.submit('admit', 'a1');
  const batch = await next();
  queue.close('stopping');
  batch.end(FULL);
  await assert.rejects(under, LedgerUnavailable);
  await turn();
  // Whatever stood there would be tried for ever, and no process would end.
  assert.equal(queue.length, 0);
});
