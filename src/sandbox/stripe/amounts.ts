/**
 * Amounts and currencies as Stripe validates them. Amounts are whole minor units and stay below
 * 100 million, so a JavaScript number carries one exactly; sums are bigint (books.ts).
 */
import { invalid, missing } from './errors.ts';
import type { Form } from './form.ts';

/** Stripe refuses more than eight digits. */
const MAX_AMOUNT = 99_999_999;

/** vendors.md 1.6: three decimals, of which the last must be 0. */
const THREE_DECIMALS = ['bhd', 'jod', 'kwd', 'omr', 'tnd'];
/** Have no smaller unit but are sent with two decimals: 5 UGX is 500. */
const WHOLE_WITH_DECIMALS = ['isk', 'ugx'];
/** Paid out in whole units only. */
const WHOLE_PAYOUTS = [...WHOLE_WITH_DECIMALS, 'huf', 'twd'];

/** Least amount of a payment, in minor units; one unit where Stripe states none. */
const MINIMUM: Readonly<Record<string, number>> = {
  usd: 50,
  eur: 50,
  aud: 50,
  cad: 50,
  chf: 50,
  gbp: 30,
  jpy: 50,
};

/** Reads a whole number of minor units, at least 1. Throws a 400 naming the parameter. */
export function readAmount(form: Form, name = 'amount'): number {
  const amount = readOptionalAmount(form, name);
  if (amount === undefined) throw missing(name);
  return amount;
}

export function readOptionalAmount(form: Form, name = 'amount'): number | undefined {
  const amount = readSignedAmount(form, name);
  if (amount !== undefined && amount < 1) {
    throw invalid(
      'This value must be greater than or equal to 1.',
      name,
      'parameter_invalid_integer',
    );
  }
  return amount;
}

export function readSignedAmount(form: Form, name: string): number | undefined {
  const text = form.text(name)?.trim();
  if (text === undefined) return undefined;
  if (text === '') {
    throw invalid(
      `You passed an empty string for '${name}', which cannot be unset.`,
      name,
      'parameter_invalid_empty',
    );
  }
  if (!/^[+-]?\d{1,15}$/.test(text)) {
    throw invalid(`Invalid integer: ${text}`, name, 'parameter_invalid_integer');
  }
  const amount = Number(text);
  if (Math.abs(amount) > MAX_AMOUNT) {
    throw invalid('Amount must be no more than $999,999.99', name, 'amount_too_large');
  }
  return amount;
}

export function readCurrency(form: Form, name = 'currency'): string {
  const currency = form.text(name)?.trim().toLowerCase();
  if (!currency) throw missing(name);
  if (!/^[a-z]{3}$/.test(currency)) throw invalid(`Invalid currency: ${currency}.`, name);
  return currency;
}

/** How many of something; default 1. */
export function readQuantity(form: Form, name: string, before = 1): number {
  const text = form.text(name);
  if (text === undefined) return before;
  if (!/^\d{1,9}$/.test(text)) throw invalid(`Invalid integer: ${text}`, name);
  return Number(text);
}

/** Throws a 400 for an amount that the currency cannot have, such as a fraction of a krona. */
export function checkDivisible(amount: number, currency: string, ofPayout = false): void {
  const step = THREE_DECIMALS.includes(currency)
    ? 10
    : (ofPayout ? WHOLE_PAYOUTS : WHOLE_WITH_DECIMALS).includes(currency)
      ? 100
      : 1;
  if (amount % step === 0) return;
  throw invalid(`Invalid amount: must be a multiple of ${step} in ${currency}.`, 'amount');
}

/** Throws Stripe's `amount_too_small` for a payment below the currency's minimum. */
export function checkMinimum(amount: number, currency: string): void {
  checkDivisible(amount, currency);
  const minimum = MINIMUM[currency] ?? 1;
  if (amount >= minimum) return;
  throw invalid(
    `Amount must be at least ${showAmount(minimum, currency)}`,
    'amount',
    'amount_too_small',
  );
}

/** For messages: `$0.50 usd`. */
export function showAmount(minor: number, currency: string): string {
  if (currency !== 'usd') return `${minor} ${currency}`;
  const cents = String(minor % 100).padStart(2, '0');
  return `$${Math.trunc(minor / 100)}.${cents} usd`;
}
