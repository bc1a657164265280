/**
 * PaymentIntents: the state machine of vendors.md 1.5. A payment moves money through its charge
 * alone: confirming makes one, capturing takes from it, canceling lets it go.
 */
import { checkMinimum, readAmount, readCurrency, readOptionalAmount } from './amounts.ts';
import type { StripeBooks } from './books.ts';
import {
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  readCustomer,
  readMetadata,
  readText,
} from './call.ts';
import { AUTHENTICATION_REQUIRED, type CardRefusal, cardOutcome } from './cards.ts';
import { addCharge, captureCharge } from './charges.ts';
import { cardError, conflict, invalid } from './errors.ts';
import { newObjectId } from './ids.ts';
import { cardOf } from './payment-methods.ts';
import type { PaymentIntent } from './records.ts';
import { type Json, render } from './render.ts';

type Status = PaymentIntent['status'];

const CONFIRMABLE: readonly Status[] = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
];
const CANCELABLE: readonly Status[] = [...CONFIRMABLE, 'requires_capture', 'processing'];

export const createPaymentIntent: Handler = (call) => {
  const { form } = call;
  const amount = readAmount(form);
  const currency = readCurrency(form);
  checkMinimum(amount, currency);
  const captureMethod = readCaptureMethod(call, 'automatic');
  const paymentMethod = readText(form, 'payment_method');
  const confirm = readFlag(call, 'confirm');
  if (confirm && !paymentMethod) throw noPaymentMethod();
  const pi: PaymentIntent = {
    id: newObjectId('pi_3', 23),
    created: call.now,
    metadata: readMetadata(form),
    amount,
    currency,
    bucket: null,
    counted: 0,
    object: 'payment_intent',
    status: paymentMethod ? 'requires_confirmation' : 'requires_payment_method',
    captureMethod,
    amountCapturable: 0,
    amountReceived: 0,
    customer: readCustomer(call),
    paymentMethod,
    description: readText(form, 'description'),
    latestCharge: null,
    lastRefusal: null,
    canceledAt: null,
    cancellationReason: null,
  };
  call.books.save(pi);
  if (confirm) attempt(call, pi);
  return render(pi);
};

export const updatePaymentIntent: Handler = (call) => {
  const { form } = call;
  const pi = fromPath(call, 'payment_intent');
  const amount = readOptionalAmount(form) ?? pi.amount;
  const currency = form.has('currency') ? readCurrency(form) : pi.currency;
  const captureMethod = readCaptureMethod(call, pi.captureMethod);
  const paymentMethod = readText(form, 'payment_method', pi.paymentMethod);
  const moves =
    amount !== pi.amount ||
    currency !== pi.currency ||
    captureMethod !== pi.captureMethod ||
    paymentMethod !== pi.paymentMethod;
  if (moves && !CONFIRMABLE.includes(pi.status)) throw unexpected(pi, 'updated');
  checkMinimum(amount, currency);
  const customer = readCustomer(call, pi.customer);
  if (currency !== pi.currency) {
    // Its open money leaves the old currency's total before it enters the new one's.
    pi.amount = 0;
    call.books.save(pi);
    pi.currency = currency;
  }
  pi.amount = amount;
  pi.captureMethod = captureMethod;
  if (paymentMethod !== pi.paymentMethod) {
    pi.paymentMethod = paymentMethod;
    pi.lastRefusal = null;
    pi.status = paymentMethod ? 'requires_confirmation' : 'requires_payment_method';
  }
  pi.customer = customer;
  pi.description = readText(form, 'description', pi.description);
  pi.metadata = readMetadata(form, pi.metadata);
  call.books.save(pi);
  return render(pi);
};

export const confirmPaymentIntent: Handler = (call) => {
  const pi = fromPath(call, 'payment_intent');
  const paymentMethod = readText(call.form, 'payment_method', pi.paymentMethod);
  const captureMethod = readCaptureMethod(call, pi.captureMethod);
  if (!CONFIRMABLE.includes(pi.status)) throw unexpected(pi, 'confirmed');
  if (!paymentMethod) throw noPaymentMethod();
  const amount = readOptionalAmount(call.form, 'amount_to_confirm') ?? pi.amount;
  if (amount !== pi.amount) {
    throw invalid(
      `The amount_to_confirm must equal the PaymentIntent's amount, ${pi.amount}.`,
      'amount_to_confirm',
    );
  }
  pi.paymentMethod = paymentMethod;
  pi.captureMethod = captureMethod;
  attempt(call, pi);
  return render(pi);
};

/** Without `amount_to_capture`: all that is capturable. What is not captured is let go. */
export const capturePaymentIntent: Handler = (call) => {
  const pi = fromPath(call, 'payment_intent');
  const amount = readOptionalAmount(call.form, 'amount_to_capture') ?? pi.amountCapturable;
  if (pi.status !== 'requires_capture') throw unexpected(pi, 'captured');
  if (amount > pi.amountCapturable) {
    throw conflict(
      `The payment could not be captured because the requested capture amount is greater than the amount you can capture, ${pi.amountCapturable}.`,
      'amount_too_large',
      { param: 'amount_to_capture', payment_intent: render(pi) },
    );
  }
  captureCharge(call.books, call.books.find('charge', pi.latestCharge ?? ''), amount);
  pi.amountReceived = amount;
  pi.amountCapturable = 0;
  pi.status = 'succeeded';
  call.books.save(pi);
  return render(pi);
};

export const cancelPaymentIntent: Handler = (call) => {
  const pi = fromPath(call, 'payment_intent');
  if (!CANCELABLE.includes(pi.status)) throw unexpected(pi, 'canceled');
  const charge = call.books.find('charge', pi.latestCharge ?? '');
  if (charge?.state === 'authorised') {
    charge.state = 'released';
    call.books.save(charge);
  }
  pi.status = 'canceled';
  pi.amountCapturable = 0;
  pi.canceledAt = call.now;
  pi.cancellationReason = readText(call.form, 'cancellation_reason');
  call.books.save(pi);
  return render(pi);
};

/** `amount` is the new total, not the difference. */
export const incrementAuthorization: Handler = (call) => {
  const amount = readAmount(call.form);
  const pi = fromPath(call, 'payment_intent');
  const charge = call.books.find('charge', pi.latestCharge ?? '');
  if (pi.status !== 'requires_capture' || !charge) throw unexpected(pi, 'incremented');
  if (amount <= pi.amount) {
    throw invalid(`The amount must be greater than the current amount, ${pi.amount}.`, 'amount');
  }
  charge.amount = pi.amount = pi.amountCapturable = amount;
  call.books.save(charge);
  call.books.save(pi);
  return render(pi);
};

export const retrievePaymentIntent: Handler = (call) => render(fromPath(call, 'payment_intent'));

export const listPaymentIntents: Handler = (call) =>
  list(
    call,
    filtered(call.form, 'customer', call.books.all('payment_intent'), (pi) => pi.customer),
  );

/**
 * What happens outside the API: the customer authenticates, or the bank debit is paid, or not.
 * Throws when the PaymentIntent is not waiting for either. `now`: seconds since 1970.
 */
export function finishPayment(
  books: StripeBooks,
  id: string,
  outcome: 'succeeded' | 'failed',
  now: number,
): Json {
  const pi = books.find('payment_intent', id);
  if (pi?.status !== 'requires_action' && pi?.status !== 'processing') {
    throw new Error(`${id} is not waiting for anything, it is ${pi?.status ?? 'unknown'}`);
  }
  if (outcome === 'succeeded') succeed(books, pi, now);
  else decline(books, pi, AUTHENTICATION_REQUIRED, now);
  return render(pi);
}

function attempt(call: Call, pi: PaymentIntent): void {
  const outcome = cardOutcome(cardOf(call.books, pi.paymentMethod!));
  const alone = readFlag(call, 'off_session') || readFlag(call, 'error_on_requires_action');
  if (outcome.kind === 'approved') {
    succeed(call.books, pi, call.now);
  } else if (outcome.kind === 'declined' || (outcome.kind === 'action' && alone)) {
    const refusal = outcome.kind === 'declined' ? outcome.refusal : AUTHENTICATION_REQUIRED;
    decline(call.books, pi, refusal, call.now);
    throw cardError(refusal, { charge: pi.latestCharge, payment_intent: render(pi) });
  } else {
    pi.status = outcome.kind === 'action' ? 'requires_action' : 'processing';
    pi.lastRefusal = null;
    call.books.save(pi);
  }
}

function succeed(books: StripeBooks, pi: PaymentIntent, now: number): void {
  const manual = pi.captureMethod === 'manual';
  const charge = addCharge(books, { ...chargeOf(pi), capture: !manual, refusal: null, now });
  pi.latestCharge = charge.id;
  pi.lastRefusal = null;
  pi.status = manual ? 'requires_capture' : 'succeeded';
  pi.amountCapturable = manual ? pi.amount : 0;
  pi.amountReceived = manual ? 0 : pi.amount;
  books.save(pi);
}

function decline(books: StripeBooks, pi: PaymentIntent, refusal: CardRefusal, now: number): void {
  const charge = addCharge(books, { ...chargeOf(pi), capture: false, refusal, now });
  pi.latestCharge = charge.id;
  pi.lastRefusal = refusal;
  pi.paymentMethod = null;
  pi.status = 'requires_payment_method';
  books.save(pi);
}

function chargeOf(pi: PaymentIntent) {
  return {
    amount: pi.amount,
    currency: pi.currency,
    customer: pi.customer,
    paymentIntent: pi.id,
    paymentMethod: pi.paymentMethod,
    description: pi.description,
    metadata: pi.metadata,
  };
}

function readCaptureMethod(
  call: Call,
  before: PaymentIntent['captureMethod'],
): PaymentIntent['captureMethod'] {
  const method = call.form.text('capture_method') ?? before;
  if (method === 'automatic' || method === 'automatic_async' || method === 'manual') return method;
  throw invalid(
    'Invalid capture_method: must be one of automatic, automatic_async, or manual',
    'capture_method',
  );
}

/** Older stripe-python releases (5.0.0 does) write a boolean as Python prints it: `True`. */
function readFlag(call: Call, name: string): boolean {
  const text = call.form.text(name)?.toLowerCase();
  if (text === undefined || text === 'false' || text === '') return false;
  if (text === 'true' || name === 'off_session') return true;
  throw invalid(`Invalid boolean: ${text}`, name);
}

function noPaymentMethod() {
  return invalid(
    "You cannot confirm this PaymentIntent because it's missing a payment method.",
    undefined,
    'payment_intent_unexpected_state',
  );
}

function unexpected(pi: PaymentIntent, verb: string) {
  return conflict(
    `This PaymentIntent could not be ${verb} because it has a status of ${pi.status}.`,
    'payment_intent_unexpected_state',
    { payment_intent: render(pi) },
  );
}
