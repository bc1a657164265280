/**
 * Books in which each object stands in one place and moves between places as time goes by:
 * scheduled, sent, billed. Totals change in `save` alone, by what an object stood for before and
 * stands for now, so none is counted twice and none is lost when old objects are forgotten. Time is
 * the given clock's: what is due is moved when somebody asks.
 */
import type { Clock } from '../clock.ts';
import { Agenda } from './agenda.ts';
import { Books, type BooksOptions } from './books.ts';
import { Recent } from './recent.ts';

export type Amounts<Unit extends string> = Readonly<Record<Unit, bigint>>;

export interface Standing<Place extends string, Unit extends string> {
  place: Place;
  amounts: Amounts<Unit>;
  /** When it moves on by itself, in milliseconds since 1970; null: never. */
  until: number | null;
}

export interface Standable<Place extends string, Unit extends string> {
  id: string;
  /** Null until it is saved for the first time; written by the books alone. */
  standing: Standing<Place, Unit> | null;
}

export abstract class StandingBooks<
  Kept extends Standable<Place, Unit>,
  Place extends string,
  Unit extends string,
> extends Books {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #units: readonly Unit[];
  readonly #records: Recent<Kept>;
  readonly #agenda = new Agenda<Kept>();
  #totals = new Map<Place, Record<Unit, bigint>>();

  constructor(options: BooksOptions, clock: Pick<Clock, 'now'>, units: readonly Unit[]) {
    super(options);
    this.#clock = clock;
    this.#units = units;
    this.#records = new Recent(options.keepObjects);
  }

  /** Where the object stands at `now`. Must depend on nothing else that changes without a `save`. */
  protected abstract standingOf(record: Kept, now: number): Standing<Place, Unit>;

  /** What stands in these places together. */
  total(...places: Place[]): Record<Unit, bigint> {
    this.#catchUp();
    const sum = this.#nothing();
    for (const place of places) {
      const amounts = this.#totals.get(place);
      if (amounts) for (const unit of this.#units) sum[unit] += amounts[unit];
    }
    return sum;
  }

  find(id: string): Kept | undefined {
    this.#catchUp();
    return this.#records.get(id);
  }

  /** Newest first. */
  all(): Kept[] {
    this.#catchUp();
    return [...this.#records.values()].reverse();
  }

  /** Keeps a new or changed object and moves its amounts to where it stands now. */
  save(record: Kept): void {
    this.#catchUp();
    this.#place(record);
    this.#records.set(record.id, record);
  }

  /** Nobody finds it any more; what it cost stays. */
  forget(id: string): void {
    this.#records.delete(id);
  }

  override summary(): Record<string, unknown> {
    this.#catchUp();
    const totals: Record<string, Record<string, string>> = {};
    for (const [place, amounts] of this.#totals) {
      totals[place] = Object.fromEntries(
        this.#units.map((unit) => [unit, amounts[unit].toString()]),
      );
    }
    const { requests, executions, replays } = this;
    return { requests, executions, replays, totals };
  }

  override reset(): void {
    super.reset();
    this.#records.clear();
    this.#agenda.clear();
    this.#totals = new Map();
  }

  #catchUp(): void {
    for (const record of this.#agenda.take(this.#clock.now())) this.#place(record);
  }

  #place(record: Kept): void {
    const before = record.standing;
    const standing = this.standingOf(record, this.#clock.now());
    if (before) this.#add(before, -1n);
    this.#add(standing, 1n);
    record.standing = standing;
    const { until } = standing;
    if (until !== null && until !== before?.until) this.#agenda.enter(until, record);
  }

  #add({ place, amounts }: Standing<Place, Unit>, times: bigint): void {
    let totals = this.#totals.get(place);
    if (!totals) {
      totals = this.#nothing();
      this.#totals.set(place, totals);
    }
    for (const unit of this.#units) totals[unit] += times * amounts[unit];
  }

  #nothing(): Record<Unit, bigint> {
    return Object.fromEntries(this.#units.map((unit) => [unit, 0n])) as Record<Unit, bigint>;
  }
}
