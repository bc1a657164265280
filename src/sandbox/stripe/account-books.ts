/**
 * The books as one request sees them: the objects of the account it acts for, and events written
 * under its name. Handlers know no other way to them, so nothing of one account is found, or
 * changed, by a request for another.
 */
import type { StripeBooks } from './books.ts';
import { newObjectId } from './ids.ts';
import type { New, RecordOf, StripeRecord } from './records.ts';

/** For whom and by what the books are changed, and when. */
export interface Cause {
  /** `acct_…`, or null for the platform itself. */
  account: string | null;
  /** Nulls for what happens outside the API. */
  request: { id: string | null; idempotencyKey: string | null };
  /** Seconds since 1970. */
  now: number;
}

export class AccountBooks {
  readonly account: string | null;
  /** Seconds since 1970. */
  readonly now: number;
  readonly #all: StripeBooks;
  readonly #request: Cause['request'];

  constructor(all: StripeBooks, { account, request, now }: Cause) {
    this.#all = all;
    this.account = account;
    this.#request = request;
    this.now = now;
  }

  /** The books of everything, for what is not one account's: events and totals. */
  get whole(): StripeBooks {
    return this.#all;
  }

  /** The same request's view of the platform's own objects. */
  get platform(): AccountBooks {
    if (this.account === null) return this;
    return new AccountBooks(this.#all, { account: null, request: this.#request, now: this.now });
  }

  find<Name extends StripeRecord['object']>(kind: Name, id: string): RecordOf<Name> | undefined {
    const record = this.#all.find(kind, id);
    return record?.account === this.account ? record : undefined;
  }

  get(id: string): StripeRecord | undefined {
    const record = this.#all.get(id);
    return record?.account === this.account ? record : undefined;
  }

  /** All of a kind, newest first. */
  all<Name extends StripeRecord['object']>(kind: Name): RecordOf<Name>[] {
    return this.#all.all(kind).filter((record) => record.account === this.account);
  }

  /** Keeps a new object, with its event when it has one. */
  add<Of extends StripeRecord>(fields: New<Of>, event?: string): Of {
    const record = { ...fields, account: this.account, counted: null } as unknown as Of;
    this.save(record, event);
    return record;
  }

  /** Keeps a changed object. `before`: as it was, for events that tell what changed. */
  save<Of extends StripeRecord>(record: Of, event?: string, before: Of | null = null): void {
    this.#all.save(record);
    if (event) this.tell(event, record, before);
  }

  /** Writes an event down, of the object as it stands now. */
  tell<Of extends StripeRecord>(type: string, record: Of, before: Of | null = null): void {
    if (!this.#all.keepsEvents) return;
    this.#all.record({
      id: newObjectId('evt_1', 23),
      created: this.now,
      type,
      account: this.account,
      object: { ...record },
      before,
      request: this.#request,
    });
  }
}
