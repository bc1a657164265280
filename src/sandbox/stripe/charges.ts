/**
 * Charges: where card money really moves, made by a PaymentIntent or by the older API directly.
 */
import { checkMinimum, readAmount, readCurrency, readOptionalAmount } from './amounts.ts';
import type { StripeBooks } from './books.ts';
import {
  filtered,
  fromPath,
  type Handler,
  list,
  readCustomer,
  readMetadata,
  readText,
} from './call.ts';
import { AUTHENTICATION_REQUIRED, type CardRefusal, cardOutcome } from './cards.ts';
import { cardError, conflict, invalid } from './errors.ts';
import { newObjectId } from './ids.ts';
import { cardOf } from './payment-methods.ts';
import type { Charge } from './records.ts';
import { render } from './render.ts';

export interface NewCharge {
  amount: number;
  currency: string;
  customer: string | null;
  paymentIntent: string | null;
  paymentMethod: string | null;
  description: string | null;
  metadata: Record<string, string>;
  capture: boolean;
  /** Set: the charge failed for it. */
  refusal: CardRefusal | null;
  now: number;
}

export function addCharge(books: StripeBooks, from: NewCharge): Charge {
  const captured = from.capture && !from.refusal;
  const charge: Charge = {
    id: newObjectId('ch_3', 23),
    created: from.now,
    metadata: from.metadata,
    amount: from.amount,
    currency: from.currency,
    bucket: null,
    counted: 0,
    object: 'charge',
    state: from.refusal ? 'failed' : captured ? 'captured' : 'authorised',
    amountCaptured: captured ? from.amount : 0,
    amountRefunded: 0,
    customer: from.customer,
    paymentIntent: from.paymentIntent,
    paymentMethod: from.paymentMethod,
    description: from.description,
    refusal: from.refusal,
  };
  books.save(charge);
  return charge;
}

/** Takes `amount` of an authorisation and lets the rest go. Throws when there is none. */
export function captureCharge(
  books: StripeBooks,
  charge: Charge | undefined,
  amount: number,
): void {
  if (charge?.state !== 'authorised') throw alreadyCaptured(charge);
  charge.state = 'captured';
  charge.amountCaptured = amount;
  books.save(charge);
}

export const createCharge: Handler = (call) => {
  const { form } = call;
  const amount = readAmount(form);
  const currency = readCurrency(form);
  checkMinimum(amount, currency);
  const customer = readCustomer(call);
  const source = readText(form, 'source');
  if (!customer && !source) throw invalid('Must provide source or customer.');
  const outcome = cardOutcome(source ? cardOf(call.books, source) : 'card');
  const refusal =
    outcome.kind === 'declined'
      ? outcome.refusal
      : outcome.kind === 'action'
        ? AUTHENTICATION_REQUIRED
        : null;
  const charge = addCharge(call.books, {
    amount,
    currency,
    customer,
    paymentIntent: null,
    paymentMethod: source,
    description: readText(form, 'description'),
    metadata: readMetadata(form),
    capture: form.text('capture')?.toLowerCase() !== 'false',
    refusal,
    now: call.now,
  });
  if (refusal) throw cardError(refusal, { charge: charge.id });
  return render(charge);
};

export const captureChargeById: Handler = (call) => {
  const charge = fromPath(call, 'charge');
  const amount = readOptionalAmount(call.form) ?? charge.amount;
  if (charge.paymentIntent) {
    throw invalid('This charge belongs to a PaymentIntent: capture that.', 'charge');
  }
  if (charge.state !== 'authorised') throw alreadyCaptured(charge);
  if (amount > charge.amount) {
    throw conflict(`Amount to capture must not exceed ${charge.amount}.`, 'amount_too_large', {
      param: 'amount',
    });
  }
  captureCharge(call.books, charge, amount);
  return render(charge);
};

export const updateCharge: Handler = (call) => {
  const charge = fromPath(call, 'charge');
  charge.description = readText(call.form, 'description', charge.description);
  charge.metadata = readMetadata(call.form, charge.metadata);
  call.books.save(charge);
  return render(charge);
};

export const retrieveCharge: Handler = (call) => render(fromPath(call, 'charge'));

export const listCharges: Handler = (call) => {
  const ofCustomer = filtered(call.form, 'customer', call.books.all('charge'), (c) => c.customer);
  return list(
    call,
    filtered(call.form, 'payment_intent', ofCustomer, (c) => c.paymentIntent),
  );
};

function alreadyCaptured(charge: Charge | undefined) {
  return conflict(
    charge?.state === 'captured'
      ? `Charge ${charge.id} has already been captured.`
      : `Charge ${charge?.id ?? ''} can no longer be captured.`,
    charge?.state === 'captured' ? 'charge_already_captured' : 'charge_expired_for_capture',
  );
}
