/**
 * A ledger on a desk: keys, admissions and settlements in a word each, with everything that a test
 * does not speak of set to what lets a call through. The clock stands until the test moves it.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { IdSource } from '../../src/ids.ts';
import type {
  Admission,
  KeyView,
  Ledger,
  NewKey,
  Policy,
  Settlement,
  Verdict,
} from '../../src/ledger/ledger.ts';
import type { ObjectFact } from '../../src/vendors/vendor.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';

/** A place where a ledger is kept: opened twice, it is the same one. */
export interface Store {
  open(): Promise<Ledger>;
  remove(): Promise<void>;
}

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** Dollars as micro-dollars. */
export const usd = (dollars: number): bigint => BigInt(Math.round(dollars * 1_000_000));

/** Dollars as cents, and what a cent is worth. */
export const cents = (dollars: number): bigint => BigInt(Math.round(dollars * 100));
export const CENT = 10_000_000_000n;

export type KeyFields = Partial<Policy> &
  Partial<Pick<NewKey, 'label' | 'parentId' | 'metadata' | 'byRun'>>;

export function newKey(id: bigint, issuedAt: number, fields: KeyFields = {}): NewKey {
  const { label = 'run', parentId = null, metadata = {}, byRun = false, ...policy } = fields;
  return {
    ...{ id, label, parentId, metadata, issuedAt },
    hash: randomBytes(32),
    ...{ issuedBy: 'test', byRun },
    policy: {
      vendors: ['stripe'],
      account: 'default',
      dailyCap: null,
      totalCap: null,
      perCallCap: null,
      maxCalls: null,
      rateLimit: null,
      allowedEndpoints: null,
      params: {},
      onBehalfOf: [],
      prices: {},
      mayDelegate: false,
      mode: 'enforce',
      expiresAt: null,
      ...policy,
    },
  };
}

/** A payment of `dollars`, by an exact quote. */
export function admission(
  id: bigint,
  at: number,
  keyId: bigint,
  dollars: number,
  fields: Partial<Admission> = {},
): Admission {
  return {
    ...{ runId: null, taskId: null, taskName: null, attempt: null, traceId: null },
    ...{ id, at, keyId, vendor: 'stripe', account: 'default' },
    method: 'POST',
    path: '/v1/payment_intents',
    operation: 'payment_intents.create',
    class: 'priced',
    quote: { kind: 'exact', micros: usd(dollars) },
    amount: BigInt(Math.round(dollars * 100)),
    currency: 'usd',
    objectId: null,
    customer: null,
    idempotencyKey: null,
    fingerprint: fields.idempotencyKey ? 'body' : null,
    idempotencyWindowMs: 23 * HOUR,
    refusal: null,
    waited: false,
    ...{ onBehalfOf: null, rateDate: null, clue: null, facts: [], canAsk: false, holds: 'refuse' },
    ...fields,
  };
}

/** Fields of a call of this attempt of a task, with the key that an SDK made for it, or none. */
export const ofTask = (attempt: number, idempotencyKey: string | null = null) => ({
  ...{ taskId: 'task', attempt, idempotencyKey },
  fingerprint: 'body',
});

/** Fields of an admission that repeats an identity. */
export const named = (idempotencyKey: string, fingerprint = 'body') => ({
  idempotencyKey,
  fingerprint,
});

export function settlement(id: bigint, at: number, fields: Partial<Settlement>): Settlement {
  return {
    ...{ id, at, outcome: 'settled', cost: null, objects: [], sealedReply: null },
    ...{ keepIdentity: false, replayedByVendor: false, refused: null, httpStatus: 200 },
    ...{ vendorRequestId: null, vendorObjectId: null, latencyMs: 1, upstreamMs: 1, lookAt: null },
    ...fields,
  };
}

/** A fact of a payment of `dollars`. */
export function fact(
  id: string,
  dollars: number,
  state: ObjectFact['state'],
  fields: Partial<ObjectFact> = {},
): ObjectFact {
  const amount = cents(dollars);
  const moved = state === 'final' ? amount : null;
  return {
    ...{ id, aliases: [], currency: 'usd', unit: CENT, rateDate: null },
    ...{ amount, state, moved, refunded: null },
    ...fields,
  };
}

export interface Standing {
  spent: number;
  held: number;
}

export class Desk {
  readonly clock: ManualClock = manualClock();
  readonly #store: Store;
  #ledger: Ledger;
  #ids: IdSource;

  private constructor(store: Store, ledger: Ledger) {
    this.#store = store;
    this.#ledger = ledger;
    this.#ids = new IdSource(this.clock, 0, ledger.lastId);
  }

  static async open(store: Store): Promise<Desk> {
    return new Desk(store, await store.open());
  }

  get ledger(): Ledger {
    return this.#ledger;
  }

  get now(): number {
    return this.clock.now();
  }

  nextId(): bigint {
    return this.#ids.next();
  }

  /** The process ends and another one opens the store: what was under way has lost its caller. */
  async reopen(): Promise<void> {
    await this.#ledger.close();
    this.#ledger = await this.#store.open();
    this.#ids = new IdSource(this.clock, 0, this.#ledger.lastId);
  }

  issue(fields: KeyFields): Promise<KeyView> {
    return this.#ledger.issueKey(newKey(this.nextId(), this.now, fields));
  }

  /** The id comes with the verdict, for a call that is to be settled. */
  async admit(
    key: Pick<KeyView, 'id'>,
    dollars: number,
    fields: Partial<Admission> = {},
  ): Promise<Verdict & { id: bigint }> {
    const id = this.nextId();
    const verdict = await this.#ledger.admit(admission(id, this.now, key.id, dollars, fields));
    return { ...verdict, id };
  }

  /** Admitted, or the test fails. Returns the call's id. */
  async hold(
    key: Pick<KeyView, 'id'>,
    dollars: number,
    fields: Partial<Admission> = {},
  ): Promise<bigint> {
    const verdict = await this.admit(key, dollars, fields);
    assert.equal(verdict.kind, 'admitted', messageOf(verdict));
    return verdict.id;
  }

  settle(id: bigint, outcome: Settlement['outcome'], fields: Partial<Settlement> = {}): void {
    this.#ledger.settle(settlement(id, this.now, { outcome, ...fields }));
  }

  /** The call cost `dollars`. */
  cost(id: bigint, dollars: number, fields: Partial<Settlement> = {}): void {
    this.settle(id, 'settled', { cost: usd(dollars), ...fields });
  }

  async view(key: Pick<KeyView, 'id'>): Promise<KeyView> {
    const view = await this.#ledger.key(key.id, this.now);
    assert.ok(view);
    return view;
  }

  /** What the key counts in all, in dollars. */
  async standing(key: Pick<KeyView, 'id'>): Promise<Standing> {
    const { spent, held } = await this.view(key);
    return { spent: Number(spent) / 1e6, held: Number(held) / 1e6 };
  }

  async stateOf(id: bigint): Promise<string> {
    const row = await this.#ledger.call(id);
    assert.ok(row, `no row ${id}`);
    return row.state;
  }
}

/** The code of a refusal; the kind of any other verdict. */
export function codeOf(verdict: Verdict): string {
  return verdict.kind === 'refused' ? verdict.refusal.code : verdict.kind;
}

export function messageOf(verdict: Verdict): string {
  return verdict.kind === 'refused' ? verdict.refusal.message : verdict.kind;
}
