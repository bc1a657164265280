/**
 * Reads the amount and the currency that a request states, from the fields that its rule names, and
 * refuses what another reader could take for another amount. Rounds nothing and guesses nothing.
 */
import type { Refusal } from '../../errors.ts';
import type { Fields } from '../form.ts';
import { ambiguous } from '../one-reading.ts';
import { faultInMinor, readCurrency, readMinor } from './currency.ts';
import { topOf } from './rule.ts';

export interface Stated {
  /** Minor units, signed; null when the request states none. */
  readonly minor: bigint | null;
  /** Lower case. */
  readonly currency: string | null;
}

/** The fields of a rule; null: it takes no amount. */
export interface Where {
  readonly amount: string | null;
  readonly currency?: string;
  readonly signed?: true;
}

/** Each states an amount in one operation or another; a call has at most the one of its own. */
const AMOUNTS = ['amount', 'amount_to_confirm', 'amount_to_capture'];

/** Fields that a price hangs on, so they are plain values and never lists or parents. */
const PLAIN = new Set([
  ...AMOUNTS,
  ...['currency', 'charge', 'payment_intent', 'origin', 'unit_amount', 'quantity'],
  ...['refund_amount', 'credit_amount', 'source_transaction', 'final_capture', 'invoice'],
]);

export function readStated(
  fields: Fields,
  { amount, currency = 'currency', signed }: Where,
): Stated | Refusal {
  const nested = amount !== null && topOf(amount) !== amount;
  for (const name of fields.keys()) {
    const top = topOf(name);
    if (top !== name && PLAIN.has(top) && !(nested && top === topOf(amount))) {
      return ambiguous(`\`${top}\` must be one plain value; write \`${top}=...\``);
    }
    if (AMOUNTS.includes(name) && name !== amount) {
      const instead = amount === null ? 'which takes none' : `which takes \`${amount}\``;
      return ambiguous(`\`${name}\` is no field of this call, ${instead}; leave it out`);
    }
  }
  const minor = amount === null ? null : amountIn(fields, amount, signed);
  if (minor !== null && typeof minor === 'object') return minor;
  const code = currencyIn(fields, currency);
  if (code !== null && typeof code === 'object') return code;
  const fault = minor === null || code === null ? null : faultInMinor(minor, code);
  return fault === null ? { minor, currency: code } : ambiguous(fault);
}

/** Minor units, null when the field is not there; a refusal when it is no plain number. */
export function amountIn(fields: Fields, name: string, signed = false): bigint | null | Refusal {
  const text = fields.get(name);
  if (text === undefined) return null;
  const minor = readMinor(text, signed);
  if (minor !== null) return minor;
  return ambiguous(
    `\`${name}\` must be a plain whole number of minor units of at most 12 digits, ` +
      `as in \`${name}=2900\`${signed ? ' or `-2900`' : ''}`,
  );
}

function currencyIn(fields: Fields, name: string): string | null | Refusal {
  const text = fields.get(name);
  if (text === undefined) return null;
  const currency = readCurrency(text);
  if (currency !== null) return currency;
  return ambiguous(`\`${name}\` must be three letters and nothing else, as in \`${name}=usd\``);
}

export function isRefused(value: bigint | null | Refusal): value is Refusal {
  return value !== null && typeof value === 'object';
}
