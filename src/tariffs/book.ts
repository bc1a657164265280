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
const DOLLARS: ReadonlyMap<string, Rate> = new Map([['usd', { unit: 10n ** 12n, date: null }]]);
const NO_PRICES: PriceTable = new Map();
const NOTHING: ReadonlyMap<string, string> = new Map();

export class TariffBook {
  readonly #maxAgeMs: number;
  #rates: ReadonlyMap<string, Rate> = DOLLARS;
  #table: RateTable | null = null;
  /** By vendor, and by vendor and account; the account's own come before the vendor's. */
  readonly #prices = new Map<string, PriceTable>();

  /** `maxAgeMs`: how old a rate's day may be; older ones are no rates. */
  constructor(maxAgeMs = 4 * DAY_MS) {
    this.#maxAgeMs = maxAgeMs;
  }

  get rates(): RateTable | null {
    return this.#table;
  }

  setRates(table: RateTable): void {
    const rates = new Map<string, Rate>();
    for (const [code, unit] of table.units) rates.set(code, { unit, date: table.date });
    this.#rates = new Map([...rates, ...DOLLARS]);
    this.#table = table;
  }

  /** `account` null: every account of the vendor that has no prices of its own. */
  setPrices(vendor: string, account: string | null, prices: PriceTable): void {
    this.#prices.set(nameOf(vendor, account), prices);
  }

  /** The tariff of a vendor's account at this time. */
  of(vendor: string, account: string, now: number): Tariff {
    const prices =
      this.#prices.get(nameOf(vendor, account)) ??
      this.#prices.get(nameOf(vendor, null)) ??
      NO_PRICES;
    const table = this.#table;
    if (table === null || now - Date.parse(table.date) <= this.#maxAgeMs) {
      return { rates: this.#rates, missing: NOTHING, prices };
    }
    const why = `its rate is of ${table.date}, which is too old`;
    const missing = new Map([...table.units.keys()].map((code) => [code, why]));
    return { rates: DOLLARS, missing, prices };
  }
}

function nameOf(vendor: string, account: string | null): string {
  return account === null ? vendor : `${vendor}/${account}`;
}
