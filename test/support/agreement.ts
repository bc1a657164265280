/**
 * Four accounts of the same money, held against each other to the cent: what each key says it spent
 * and holds, the audit rows, and the vendor's own books and log of requests. The vendor's is the
 * truth; nothing here asks a part of Keybrake but through its API.
 */
import assert from 'node:assert/strict';
import type { ReceivedRequest } from '../../src/sandbox/books.ts';
import type { Sandbox } from '../../src/sandbox/server.ts';
import type { StripeBooks } from '../../src/sandbox/stripe/books.ts';
import { type AuditRow, auditRows, keySpend, type Server } from './management.ts';

export interface Accounts {
  /** Micro-dollars, of all keys together. */
  spent: bigint;
  held: bigint;
  /** Of the keys named, oldest first. */
  rows: AuditRow[];
}

/** A JSON number of dollars as micro-dollars; exact below nine billion dollars. */
export function micros(usd: number): bigint {
  return BigInt(Math.round(usd * 1_000_000));
}

const cents = (amount: bigint): bigint => amount * 10_000n;

/** What stands in a vendor's books, in micro-dollars, and how many requests it has received. */
export interface Books {
  moved: bigint;
  mayMove: bigint;
  requests: number;
}

const NO_BOOKS: Books = { moved: 0n, mayMove: 0n, requests: 0 };

export function booksOf(stripe: StripeBooks): Books {
  const credits = stripe.total('credits');
  const given = credits < 0n ? -credits : credits;
  return {
    moved: cents(stripe.movedCents() + stripe.returnedCents() + given),
    mayMove: cents(stripe.underWayCents() + stripe.total('invoiced')),
    requests: stripe.requests,
  };
}

/**
 * Requires that keys, rows and vendor agree. `ids`: every key that has called this vendor, none of
 * them another's parent (a parent counts its children's money once more). `unknown`: rows whose
 * outcome nobody knows are allowed, and what they hold may or may not be in the vendor's books.
 * `since`: the books before the first of these calls, when others had called the vendor; what may
 * move is not compared then, for a part of it may be theirs.
 */
export async function assertAgreement(
  server: Server & { sandbox: Sandbox },
  ids: readonly string[],
  { unknown = false, since = NO_BOOKS }: { unknown?: boolean; since?: Books } = {},
): Promise<Accounts> {
  const accounts: Accounts = { spent: 0n, held: 0n, rows: [] };
  for (const id of ids) {
    const rows = await auditRows(server, { key: id, limit: '200' });
    const { spent_usd, held_usd } = await keySpend(server, id);
    assert.equal(micros(spent_usd), sumOf(rows, 'settled'), `${id}: spent is not its rows' cost`);
    const held = sumOf(rows, 'held') + sumOf(rows, 'unknown');
    assert.equal(micros(held_usd), held, `${id}: held is not its rows' quotes`);
    accounts.spent += micros(spent_usd);
    accounts.held += held;
    accounts.rows.push(...rows);
  }
  const { stripe } = server.sandbox;
  assertEachRequestHasItsRow(stripe.received.slice(since.requests), accounts.rows);
  const now = booksOf(stripe);
  const moved = now.moved - since.moved;
  const mayMove = now.mayMove - since.mayMove;
  const doubtful = sumOf(accounts.rows, 'unknown');
  if (!unknown) {
    assert.equal(doubtful, 0n, 'a row is unknown');
    assert.equal(accounts.spent, moved, 'spent is not what the vendor moved');
    const alone = since === NO_BOOKS;
    if (alone) assert.equal(accounts.held, mayMove, 'held is not what the vendor may still move');
  } else {
    const counted = accounts.spent + accounts.held;
    assert.ok(moved + mayMove <= counted, `the vendor has ${moved + mayMove} of ${counted}`);
    assert.ok(moved + mayMove >= counted - doubtful, 'more is counted than can be in doubt');
  }
  return accounts;
}

function sumOf(rows: readonly AuditRow[], state: string): bigint {
  let sum = 0n;
  for (const row of rows) {
    if (row.state !== state) continue;
    sum += micros(state === 'settled' ? row.cost_usd! : row.quote_usd);
  }
  return sum;
}

/** One row for each request that the vendor received, by idempotency key, and none beside. */
function assertEachRequestHasItsRow(
  received: readonly ReceivedRequest[],
  rows: readonly AuditRow[],
): void {
  const surplus = new Map<string, number>();
  const count = (key: string | null, by: number) => {
    const name = key ?? 'without a key';
    const left = (surplus.get(name) ?? 0) + by;
    if (left === 0) surplus.delete(name);
    else surplus.set(name, left);
  };
  for (const request of received) if (!isLookUp(request)) count(ownKeyOf(request), 1);
  for (const row of rows) if (row.upstream_ms !== null) count(upstreamKeyOf(row), -1);
  assert.deepEqual([...surplus], [], 'requests without a row (above 0) or rows without one');
}

/** Keybrake's own questions change nothing at the vendor, and have no rows. */
export function isLookUp({ headers, method }: ReceivedRequest): boolean {
  return method !== 'DELETE' && headers['user-agent'] === 'Keybrake (look-up)';
}

/** A request's key, of the proxy's own without the name of its ledger: as upstreamKeyOf() has it. */
export function ownKeyOf({ idempotencyKey }: { idempotencyKey: string | null }): string | null {
  return idempotencyKey?.replace(/^(keybrake-call_\w{13})-[0-9a-f]{16}$/, '$1') ?? null;
}

/** The idempotency key that the vendor saw: the client's, or the proxy's own made of the row's id. */
export function upstreamKeyOf(row: AuditRow): string | null {
  if (row.method !== 'POST') return null;
  return row.idempotency_key ?? `keybrake-${row.id}`;
}
