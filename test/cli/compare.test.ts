/** The demo's comparison: it finds whatever differs between the ledger, the vendor and the callers. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  compareBooks,
  type LedgerCall,
  type Line,
  type Told,
  type VendorBooks,
} from '../../src/cli/demo/compare.ts';
import { trace } from '../../src/cli/demo/revoke-act.ts';

const CENT = 10_000n;

const call = (id: string, state: string, key: string, object: string | null, cents: bigint) =>
  ({
    id,
    state,
    cost: state === 'settled' ? cents * CENT : null,
    quote: cents * CENT,
    idempotencyKey: key,
    objectId: object,
  }) satisfies LedgerCall;

/** Two paid, one declined, one refused: equal everywhere. */
function equalBooks(): { told: Told; ledger: LedgerCall[]; books: VendorBooks } {
  return {
    told: {
      attempted: 4,
      paid: new Map([
        ['k1', 'pi_1'],
        ['k2', 'pi_2'],
      ]),
      paidCents: 350n,
      declined: 1,
      refused: 1,
    },
    ledger: [
      call('call_1', 'settled', 'k1', 'pi_1', 100n),
      call('call_2', 'settled', 'k2', 'pi_2', 250n),
      call('call_3', 'released', 'k3', 'pi_3', 90n),
      call('call_4', 'refused', 'k4', null, 80n),
    ],
    books: {
      received: ['k1', 'k2', 'k3'].map((idempotencyKey) => ({ idempotencyKey, executed: true })),
      intents: [
        { id: 'pi_1', status: 'succeeded', receivedCents: 100n },
        { id: 'pi_2', status: 'succeeded', receivedCents: 250n },
        { id: 'pi_3', status: 'requires_payment_method', receivedCents: 0n },
      ],
      movedCents: 350n,
    },
  };
}

const unequal = (lines: readonly Line[]) =>
  lines.filter(({ equal }) => !equal).map(({ what }) => what);

test('equal books are equal on every line', () => {
  const { told, ledger, books } = equalBooks();
  assert.deepEqual(unequal(compareBooks(told, ledger, books)), []);
});

test('one cent more at the vendor is found, and the payment is named', () => {
  const { told, ledger, books } = equalBooks();
  const lines = compareBooks(told, ledger, books, { plantCents: 1n });
  assert.deepEqual(unequal(lines), ['money moved', 'same id and amount']);
  assert.match(lines.flatMap(({ differing }) => differing).join(), /pi_1 is \$1\.01 at Stripe/);
});

test('a refused call that arrived all the same is found', () => {
  const { told, ledger, books } = equalBooks();
  const received = [...books.received, { idempotencyKey: 'k4', executed: false }];
  const lines = compareBooks(told, ledger, { ...books, received });
  assert.ok(unequal(lines).includes('refused, never sent'));
});

test('a request at the vendor without a row is found', () => {
  const { told, ledger, books } = equalBooks();
  const received = [...books.received, { idempotencyKey: 'stray', executed: true }];
  const lines = compareBooks(told, ledger, { ...books, received });
  assert.deepEqual(unequal(lines), ['requests at Stripe', 'executed there', 'idempotency keys']);
});

test('a row that never arrived is found', () => {
  const { told, ledger, books } = equalBooks();
  const received = books.received.slice(1);
  const lines = compareBooks(told, ledger, { ...books, received });
  assert.ok(unequal(lines).includes('idempotency keys'));
});

test('two payments with their amounts swapped are found although every sum agrees', () => {
  const { told, ledger, books } = equalBooks();
  const [first, second, third] = books.intents;
  const intents = [{ ...first!, receivedCents: 250n }, { ...second!, receivedCents: 100n }, third!];
  const lines = compareBooks(told, ledger, { ...books, intents });
  assert.deepEqual(unequal(lines), ['same id and amount']);
});

test('a payment whose caller was told of another one is found', () => {
  const { told, ledger, books } = equalBooks();
  const paid = new Map([
    ['k1', 'pi_1'],
    ['k2', 'pi_9'],
  ]);
  const lines = compareBooks({ ...told, paid }, ledger, books);
  assert.deepEqual(unequal(lines), ['same id and amount']);
});

test('an open hold in the ledger that the vendor knows nothing of is found', () => {
  const { told, ledger, books } = equalBooks();
  const lines = compareBooks(told, [...ledger, call('call_5', 'held', 'k5', null, 70n)], books);
  assert.ok(unequal(lines).includes('held or unknown'));
});

test('an arrival after the revoke is excused only if the answer named its call as in flight', () => {
  const rows = ['k1', 'k2', 'k3'].map((key, i) => ({
    ...call(`call_${i + 1}`, 'settled', key, `pi_${i + 1}`, 100n),
    at: 0,
    reason: null,
  }));
  const arrivals = [
    { at: 10, idempotencyKey: 'k1' },
    { at: 30, idempotencyKey: 'k2' },
    { at: 31, idempotencyKey: 'k3' },
    { at: 40, idempotencyKey: "another run's" },
  ];
  const found = trace(rows, arrivals, new Set(['call_2']), 20);
  assert.deepEqual(found, {
    arrivedBefore: 1,
    arrivedAfter: 2,
    sentBefore: 1,
    started: 1,
    refused: 0,
  });
});
