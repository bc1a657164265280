/**
 * What calls and currencies cost now, as the proxy asks it for each call: the rates and the price
 * tables that were read last. Holds values alone; where they come from is for the files beside it.
 * Must never answer with a rate that is too old: no rate is a refusal, a wrong one is a wrong cap.
 */
import type { Micros } from '../money.ts';
import type { Rate, Tariff } from '../vendors/vendor.ts';

/** Rates of one day, as their source gave them. */
export interface RateTable {
  /** `2026-11-23` */
  readonly date: string;
  /** By lower-case code; pico-dollars of one whole unit. */
  readonly units: ReadonlyMap<string, bigint>;
}

/** A price table by the names of its vendor's folder. */
export type PriceTable = ReadonlyMap<string, Micros>;

const DAY_MS = 86_400_000;
/** How long a price that a vendor told is taken for today's. */
const LEARNED_MS = DAY_MS;
const DOLLARS: ReadonlyMap<string, Rate> = new Map([['usd', { unit: 10n ** 12n, date: null }]]);
const NO_PRICES: PriceTable = new Map();

/** What of a tariff hangs on the rates alone. */
type Rates = Pick<Tariff, 'rates' | 'missing'>;

export class TariffBook {
  readonly #maxAgeMs: number;
  #table: RateTable | null = null;
  /** Until when the rates hold, in milliseconds since 1970; what there is by then, and after. */
  #validUntil = Number.POSITIVE_INFINITY;
  #valid: Rates = { rates: DOLLARS, missing: new Map() };
  #tooOld: Rates = this.#valid;
  /** By vendor, and by vendor and account; the account's own come before the vendor's. */
  readonly #prices = new Map<string, PriceTable>();
  /** What the vendors told, by vendor and account; and that together with the tables. */
  readonly #learned = new Map<string, Map<string, { price: Micros; until: number }>>();
  readonly #merged = new Map<string, { prices: PriceTable; until: number }>();

  /** `maxAgeMs`: how old a rate's day may be; older ones are no rates. */
  constructor(maxAgeMs = 4 * DAY_MS) {
    this.#maxAgeMs = maxAgeMs;
  }

  get rates(): RateTable | null {
    return this.#table;
  }

  /** Seconds since the day of the rates began; null: there are none. */
  ratesAge(now: number): number | null {
    return this.#table === null ? null : (now - Date.parse(this.#table.date)) / 1000;
  }

  setRates(table: RateTable): void {
    const { date, units } = table;
    const rates = new Map<string, Rate>();
    for (const [code, unit] of units) rates.set(code, { unit, date });
    const none: [string, string] = ['*', `the rates of ${date} have none for it`];
    const old = [...units.keys()].map((code): [string, string] => {
      return [code, `its rate is of ${date}, which is too old`];
    });
    this.#table = table;
    this.#validUntil = Date.parse(date) + this.#maxAgeMs;
    this.#valid = { rates: new Map([...rates, ...DOLLARS]), missing: new Map([none]) };
    this.#tooOld = { rates: DOLLARS, missing: new Map([none, ...old]) };
  }

  /** `why`: there are none yet, though somebody expects them. */
  awaitRates(why: string): void {
    if (this.#table === null) this.#valid = { rates: DOLLARS, missing: new Map([['*', why]]) };
  }

  /** `account` null: every account of the vendor that has no prices of its own. */
  setPrices(vendor: string, account: string | null, prices: PriceTable): void {
    this.#prices.set(nameOf(vendor, account), prices);
    this.#merged.clear();
  }

  /**
   * Prices that the vendor itself told for this account: they hold for a day, and only where no
   * table has a price of that name.
   */
  learn(vendor: string, account: string, prices: PriceTable, now: number): void {
    const name = nameOf(vendor, account);
    const learned = this.#learned.get(name) ?? new Map();
    for (const [each, price] of prices) learned.set(each, { price, until: now + LEARNED_MS });
    this.#learned.set(name, learned);
    this.#merged.delete(name);
  }

  /** The tariff of a vendor's account at this time. */
  of(vendor: string, account: string, now: number): Tariff {
    const { rates, missing } = now <= this.#validUntil ? this.#valid : this.#tooOld;
    return { rates, missing, prices: this.#pricesOf(vendor, account, now) };
  }

  #pricesOf(vendor: string, account: string, now: number): PriceTable {
    const name = nameOf(vendor, account);
    const merged = this.#merged.get(name);
    if (merged && merged.until > now) return merged.prices;
    const table = this.#prices.get(name) ?? this.#prices.get(nameOf(vendor, null)) ?? NO_PRICES;
    const learned = this.#learned.get(name);
    if (!learned) return table;
    const prices = new Map<string, Micros>();
    // As long as all of them hold; then those that are left are put together anew.
    let first = now + LEARNED_MS;
    for (const [each, { price, until }] of learned) {
      if (until <= now) learned.delete(each);
      else prices.set(each, price);
      if (until > now && until < first) first = until;
    }
    for (const [each, price] of table) prices.set(each, price);
    this.#merged.set(name, { prices, until: first });
    return prices;
  }
}

function nameOf(vendor: string, account: string | null): string {
  return account === null ? vendor : `${vendor}/${account}`;
}
