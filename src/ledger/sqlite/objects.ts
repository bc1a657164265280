/**
 * What the ledger knows of vendor objects: prices that only the object knows, and which holds a
 * reply about an object resolves. A PaymentIntent's creation, confirmation and capture count once
 * because they count against one object.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Micros, type Picos, timesRate, timesRateDown } from '../../money.ts';
import type { ObjectFact } from '../../vendors/vendor.ts';
import type { Price } from '../decide.ts';
import type { Admission } from '../ledger.ts';

export interface ObjectRow {
  id: string;
  alias_of: string | null;
  currency: string | null;
  amount: Micros | null;
  /** The rate of its first sight, for a minor unit of its currency. */
  unit: Picos | null;
  rate_date: string | null;
  counted: Micros;
  settled: Micros;
  moved: Micros | null;
  refunded: Micros;
  /** What had moved before anything was known of it, past Keybrake. */
  elsewhere: Micros;
}

/** Which vendor's and account's object. */
export interface Place {
  vendor: string;
  account: string;
  /** Of a call: the object that its price came from, and the one that its answer is about. */
  subjectId?: string | null;
  vendorObjectId?: string | null;
}

export class Objects {
  readonly #select: StatementSync;
  readonly #put: StatementSync;
  readonly #make: StatementSync;
  readonly #putAlias: StatementSync;
  readonly #add: StatementSync;
  readonly #pending: StatementSync;
  readonly #later: StatementSync;
  readonly #since: StatementSync;
  readonly #settled: StatementSync;
  readonly #setElsewhere: StatementSync;
  readonly #putPart: StatementSync;

  constructor(db: DatabaseSync) {
    this.#select = db.prepare(
      `SELECT id, alias_of, currency, amount, unit, rate_date, counted, settled, moved, refunded,
         elsewhere
       FROM objects WHERE vendor = ? AND account = ? AND id = ?`,
    );
    this.#put = db.prepare(
      `INSERT INTO objects (vendor, account, id, currency, amount, unit, rate_date, moved, refunded)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (vendor, account, id) DO UPDATE SET
         currency = excluded.currency, amount = coalesce(excluded.amount, amount),
         unit = coalesce(excluded.unit, unit), rate_date = excluded.rate_date,
         moved = coalesce(excluded.moved, moved), refunded = excluded.refunded`,
    );
    this.#make = db.prepare(
      `UPDATE objects SET counted = counted + ?, settled = settled + ?, elsewhere = 0
       WHERE vendor = ? AND account = ? AND id = ?`,
    );
    this.#putAlias = db.prepare(
      'INSERT OR IGNORE INTO objects (vendor, account, id, alias_of) VALUES (?, ?, ?, ?)',
    );
    this.#add = db.prepare(
      `UPDATE objects SET counted = max(0, counted + ?), settled = max(0, settled + ?),
         refunded = max(0, refunded + ?)
       WHERE vendor = ? AND account = ? AND id = ?`,
    );
    this.#pending = db.prepare(
      `SELECT count(*) AS calls, coalesce(sum(quote_usd), 0) AS micros FROM calls
       WHERE subject_id = ? AND subject_as = ? AND vendor = ? AND account = ?
         AND (running_id IS NOT NULL OR (state = 'unknown' AND replay_of IS NULL))`,
    );
    const accepted = `SELECT 1 FROM calls
       WHERE subject_id = ? AND subject_as = 'amount' AND vendor = ? AND account = ?
         AND state IN ('held', 'settled')`;
    // When it was answered. One whose hold stays has no time of its end, and its latency counts from
    // its arrival, before any wait for its admission: rather too late than too early.
    const answered = 'coalesce(settled_at, at + latency_ms, at)';
    // By the time of admission: a call that waited was admitted after others with greater ids.
    this.#later = db.prepare(
      `${accepted} AND id <> ? AND (at > ? OR (at = ? AND id > ?) OR ${answered} > ?) LIMIT 1`,
    );
    // SQLite would take the index of the key's calls, and read all that the key ever made.
    this.#settled = db.prepare(
      `SELECT coalesce(sum(cost_usd), 0) AS micros FROM calls INDEXED BY calls_subject
       WHERE subject_id = ? AND subject_as = 'amount' AND vendor = ? AND account = ?
         AND vault_key_id = ? AND state = 'settled'`,
    );
    this.#since = db.prepare(`${accepted} AND id <> ? AND ${answered} >= ? LIMIT 1`);
    this.#setElsewhere = db.prepare(
      'UPDATE objects SET elsewhere = ? WHERE vendor = ? AND account = ? AND id = ?',
    );
    // With the rate that the part was held by; what it comes to is not known yet.
    this.#putPart = db.prepare(
      `INSERT OR IGNORE INTO objects (vendor, account, id, currency, unit, rate_date)
       SELECT vendor, account, ?, currency, unit, rate_date FROM objects
       WHERE vendor = ? AND account = ? AND id = ?`,
    );
  }

  find(place: Place, id: string): ObjectRow | undefined {
    const read = (name: string) =>
      this.#select.get(place.vendor, place.account, name) as unknown as ObjectRow | undefined;
    const row = read(id);
    return row?.alias_of ? read(row.alias_of) : row;
  }

  /**
   * Calls on the object of which no reply has told what they came to, and what they hold. The vendor
   * may carry them out in another order than they were admitted in, or not at all. For one that was
   * sent again and is unknown still, the first stands.
   */
  pending(
    place: Place,
    id: string,
    as: 'amount' | 'refundable',
  ): { calls: bigint; micros: Micros } {
    const row = this.#pending.get(id, as, place.vendor, place.account);
    return row as unknown as { calls: bigint; micros: Micros };
  }

  /**
   * Whether the vendor may have accepted another call on the object after it carried out this one:
   * it was admitted later, or was answered after this one was admitted.
   */
  overtaken(call: Place & { id: bigint; at: number }, id: string): boolean {
    const { vendor, account, id: own, at } = call;
    return this.#later.get(id, vendor, account, own, at, at, own, at) !== undefined;
  }

  /** Whether the vendor accepted a call on the object at this time or later; not the one looked for. */
  answeredSince(call: Place & { id: bigint }, id: string, since: number): boolean {
    const { vendor, account, id: own } = call;
    return this.#since.get(id, vendor, account, own, since) !== undefined;
  }

  /** What the call costs as far as the ledger knows, or why it cannot. */
  price(call: Admission): Price {
    const { quote } = call;
    switch (quote.kind) {
      case 'free':
        return { micros: 0n };
      case 'unpriced':
        return { unpriced: quote.reason };
      case 'ask':
        return call.canAsk ? { ask: true } : { unpriced: quote.reason };
      case 'object':
        break;
      default:
        return { micros: quote.micros };
    }
    const object = this.find(call, quote.objectId);
    if (!object || object.amount === null || object.unit === null) {
      if (call.canAsk) return { ask: true };
      return {
        unpriced:
          `The amount of ${quote.objectId} is not known: no reply about it passed through ` +
          'Keybrake, or its currency has no rate.',
      };
    }
    const limit = quote.limit && timesRate(quote.limit.minor, object.unit);
    // What is pending proves nothing: were it taken off, the call would be free of charge when the
    // vendor carries it out first and rejects the pending one, whose hold then comes back.
    const pending = this.pending(call, object.id, quote.of).micros;
    if (quote.of === 'amount') {
      const counted = object.counted - pending + object.elsewhere;
      const more = (limit ?? object.amount) - counted;
      return { micros: more > 0n ? more : 0n };
    }
    if (limit !== null) return { micros: limit };
    if (object.moved === null) {
      if (call.canAsk) return { ask: true };
      return { unpriced: `What ${object.id} received is not known yet; state the amount.` };
    }
    const rest = object.moved - (object.refunded - pending);
    return { micros: rest > 0n ? rest : 0n };
  }

  /**
   * The call was admitted at `micros`: later prices of its object start from there. Of what parts
   * give back, each rounded up by itself, the sum would leave too little for the last of them.
   */
  count(call: Admission, micros: Micros): void {
    if (call.quote.kind !== 'object' || micros === 0n) return;
    const { objectId, of, limit } = call.quote;
    const unit = this.find(call, objectId)?.unit ?? null;
    const part = of === 'refundable' && limit !== null && unit !== null;
    this.add(call, objectId, of, part ? timesRateDown(limit.minor, unit) : micros);
  }

  /** Adds to what is counted for, or refunded of, an object. */
  add(place: Place, id: string, of: 'amount' | 'refundable', micros: Micros): void {
    const object = this.find(place, id);
    if (!object) return;
    const [counted, refunded] = of === 'amount' ? [micros, 0n] : [0n, micros];
    this.#add.run(counted, 0n, refunded, place.vendor, place.account, object.id);
  }

  /** Records what a reply says; an amount once known is not forgotten. */
  learn(place: Place, fact: ObjectFact): ObjectRow {
    const { vendor, account } = place;
    const known = this.find(place, fact.id);
    const { unit, rateDate } = this.#rateOf(place, known, fact);
    const amount = unit === null ? null : timesRate(fact.amount, unit);
    const moved = movedOf(fact, unit);
    const refunded = refundedOf(known, fact, unit);
    this.#put.run(vendor, account, fact.id, fact.currency, amount, unit, rateDate, moved, refunded);
    for (const alias of fact.aliases) this.#putAlias.run(vendor, account, alias, fact.id);
    return this.find(place, fact.id)!;
  }

  /**
   * As `learn`, of an object that no open call is about; of one that nothing is counted for, what has
   * moved by now moved past Keybrake, and is nobody's here.
   */
  meet(place: Place, fact: ObjectFact): ObjectRow {
    const { id, unit, counted, settled } = this.learn(place, fact);
    if (counted > 0n || settled > 0n) return this.find(place, id)!;
    const moved = unit === null || fact.moved === null ? 0n : timesRate(fact.moved, unit);
    this.#setElsewhere.run(moved, place.vendor, place.account, id);
    return this.find(place, id)!;
  }

  /** What is counted for an object because of these holds counts for another from now on. */
  join({ vendor, account }: Place, from: string, to: string, held: Micros): void {
    this.#putPart.run(to, vendor, account, from);
    const place = { vendor, account };
    this.book(place, from, -held, 0n);
    this.book(place, to, held, 0n);
  }

  /** A call of ours made it after all: whatever moved of it is that call's. */
  claim({ vendor, account }: Place, id: string): ObjectRow {
    this.#setElsewhere.run(0n, vendor, account, id);
    return this.find({ vendor, account }, id)!;
  }

  /**
   * What the fact says has moved, at the object's own rate, less what other calls of the same key
   * have settled of it; null while nothing has, or without a rate. Another key's do not count: of two
   * whose answers were lost, nobody knows which one moved it, and neither key may spend it again.
   */
  unsettled(call: Place & { keyId: bigint }, fact: ObjectFact): Micros | null {
    const known = this.find(call, fact.id);
    const moved = movedOf(fact, this.#rateOf(call, known, fact).unit);
    if (moved === null) return null;
    const { vendor, account, keyId } = call;
    const { micros } = this.#settled.get(fact.id, vendor, account, keyId) as { micros: Micros };
    return moved > micros ? moved - micros : 0n;
  }

  /**
   * The rate of the object's first sight, as long as its currency is the same. What a call makes of
   * another object, a refund of a charge, has that one's: it was held for by it.
   */
  #rateOf(
    place: Place,
    known: ObjectRow | undefined,
    fact: ObjectFact,
  ): { unit: Picos | null; rateDate: string | null } {
    const { subjectId, vendorObjectId } = place;
    const made = !known && subjectId && vendorObjectId === fact.id;
    const from = made ? this.find(place, subjectId) : known;
    return from !== undefined && from.unit !== null && from.currency === fact.currency
      ? { unit: from.unit, rateDate: from.rate_date }
      : { unit: fact.unit, rateDate: fact.rateDate };
  }

  /**
   * A call made this object: `counted` of it is counted by that call, `settled` of that settled.
   * What was seen to have moved before its answer was found is the call's too.
   */
  make(place: Place, fact: ObjectFact, counted: Micros, settled: Micros): void {
    const { id } = this.learn(place, fact);
    this.#make.run(counted, settled, place.vendor, place.account, id);
  }

  /** `counted` and `settled` change by these amounts. */
  book(place: Place, id: string, counted: Micros, settled: Micros): void {
    if (counted === 0n && settled === 0n) return;
    this.#add.run(counted, settled, 0n, place.vendor, place.account, id);
  }
}

function movedOf({ state, moved }: ObjectFact, unit: Picos | null): Micros | null {
  if (state !== 'final' || moved === null) return null;
  if (moved === 0n) return 0n; // in any currency
  return unit === null ? null : timesRate(moved, unit);
}

/**
 * What is given back: as the vendor tells it, also what went past Keybrake, but never less than
 * calls of ours have given back or are about to. What it tells may be those very calls', carried out
 * and not answered: added to them they would count twice, and all the rest would seem less than it is.
 */
function refundedOf(
  known: ObjectRow | undefined,
  { refunded }: ObjectFact,
  unit: Picos | null,
): Micros {
  const counted = known?.refunded ?? 0n;
  const told = refunded === null || unit === null ? 0n : timesRateDown(refunded, unit);
  return told > counted ? told : counted;
}
