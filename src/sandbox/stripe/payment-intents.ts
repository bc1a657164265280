/**
 * PaymentIntents: the state machine of vendors.md 1.5. A payment moves money through its charge
 * alone: confirming makes one, capturing takes from it, canceling lets it go.
 */
import {
  checkDivisible,
  checkMinimum,
  readAmount,
  readCurrency,
  readOptionalAmount,
} from './amounts.ts';
import {
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  type Routes,
  readConnect,
  readCustomer,
  readFlag,
  readMetadata,
  readText,
} from './call.ts';
import { captureCharge, releaseCharge } from './charging.ts';
import { cardError, conflict, invalid } from './errors.ts';
import { newObjectId } from './ids.ts';
import type { PaymentIntent } from './objects/payment-intent.ts';
import { attempt } from './payments.ts';
import { render } from './records.ts';

type Status = PaymentIntent['status'];

const CONFIRMABLE: readonly Status[] = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
];
const CANCELABLE: readonly Status[] = [...CONFIRMABLE, 'requires_capture', 'processing'];

const createPaymentIntent: Handler = (call) => {
  const { form } = call;
  const amount = readAmount(form);
  const currency = readCurrency(form);
  checkMinimum(amount, currency);
  const captureMethod = readCaptureMethod(call, 'automatic');
  const paymentMethod = readText(form, 'payment_method');
  const confirm = readFlag(form, 'confirm');
  if (confirm && !paymentMethod) throw noPaymentMethod();
  const connect = readConnect(call);
  const pi = call.books.add<PaymentIntent>(
    {
      id: newObjectId('pi_3', 23),
      created: call.now,
      metadata: readMetadata(form),
      amount,
      currency,
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
      returnUrl: readText(form, 'return_url'),
      canceledAt: null,
      cancellationReason: null,
      ...connect,
      onBehalfOf: readText(form, 'on_behalf_of'),
      invoice: null,
    },
    'payment_intent.created',
  );
  if (confirm) pay(call, pi);
  return render(pi);
};

/** Stripe has no event for this: what a lost update did is seen at the PaymentIntent alone. */
const updatePaymentIntent: Handler = (call) => {
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
  if (moves && pi.invoice) throw ofInvoice(pi);
  if (moves && !CONFIRMABLE.includes(pi.status)) throw unexpected(pi, 'updated');
  checkMinimum(amount, currency);
  pi.customer = readCustomer(call, pi.customer);
  pi.currency = currency;
  pi.amount = amount;
  pi.captureMethod = captureMethod;
  if (paymentMethod !== pi.paymentMethod) {
    pi.paymentMethod = paymentMethod;
    pi.lastRefusal = null;
    pi.status = paymentMethod ? 'requires_confirmation' : 'requires_payment_method';
  }
  pi.description = readText(form, 'description', pi.description);
  pi.metadata = readMetadata(form, pi.metadata);
  call.books.save(pi);
  return render(pi);
};

/** `amount_to_confirm` may differ from the PaymentIntent's amount, upwards too (a surcharge). */
const confirmPaymentIntent: Handler = (call) => {
  const pi = fromPath(call, 'payment_intent');
  const paymentMethod = readText(call.form, 'payment_method', pi.paymentMethod);
  const captureMethod = readCaptureMethod(call, pi.captureMethod);
  if (!CONFIRMABLE.includes(pi.status)) throw unexpected(pi, 'confirmed');
  if (!paymentMethod) throw noPaymentMethod();
  const amount = readOptionalAmount(call.form, 'amount_to_confirm') ?? pi.amount;
  checkMinimum(amount, pi.currency);
  pi.paymentMethod = paymentMethod;
  pi.captureMethod = captureMethod;
  pi.returnUrl = readText(call.form, 'return_url', pi.returnUrl);
  pay(call, pi, amount);
  return render(pi);
};

/**
 * Without `amount_to_capture`: all that is capturable. What is not captured is let go, unless
 * `final_capture` is false.
 */
const capturePaymentIntent: Handler = (call) => {
  const { form } = call;
  const pi = fromPath(call, 'payment_intent');
  const final = !form.has('final_capture') || readFlag(form, 'final_capture');
  const rest = final && pi.amountReceived > 0 && form.text('amount_to_capture') === '0';
  const asked = rest ? 0 : readOptionalAmount(form, 'amount_to_capture');
  const amount = asked ?? pi.amountCapturable;
  checkDivisible(amount, pi.currency);
  if (pi.status !== 'requires_capture') throw unexpected(pi, 'captured');
  if (amount > pi.amountCapturable) {
    throw conflict(
      `The payment could not be captured because the requested capture amount is greater than the amount you can capture, ${pi.amountCapturable}.`,
      'amount_too_large',
      { param: 'amount_to_capture', payment_intent: render(pi) },
    );
  }
  const done = final || amount === pi.amountCapturable;
  const charge = call.books.find('charge', pi.latestCharge ?? '');
  const fee = readOptionalAmount(form, 'application_fee_amount');
  if (fee !== undefined && charge) charge.feeAmount = pi.feeAmount = fee;
  captureCharge(call.books, charge, amount, done);
  pi.amountReceived += amount;
  pi.amountCapturable = done ? 0 : pi.amountCapturable - amount;
  if (done) pi.status = 'succeeded';
  call.books.save(pi, `payment_intent.${done ? 'succeeded' : 'amount_capturable_updated'}`);
  return render(pi);
};

const cancelPaymentIntent: Handler = (call) => {
  const pi = fromPath(call, 'payment_intent');
  if (pi.invoice) throw ofInvoice(pi);
  if (!CANCELABLE.includes(pi.status) || pi.amountReceived > 0) throw unexpected(pi, 'canceled');
  const charge = call.books.find('charge', pi.latestCharge ?? '');
  if (charge) releaseCharge(call.books, charge);
  pi.status = 'canceled';
  pi.amountCapturable = 0;
  pi.canceledAt = call.now;
  pi.cancellationReason = readText(call.form, 'cancellation_reason');
  call.books.save(pi, 'payment_intent.canceled');
  return render(pi);
};

/** `amount` is the new total, not the difference. */
const incrementAuthorization: Handler = (call) => {
  const amount = readAmount(call.form);
  const pi = fromPath(call, 'payment_intent');
  const charge = call.books.find('charge', pi.latestCharge ?? '');
  if (pi.status !== 'requires_capture' || !charge) throw unexpected(pi, 'incremented');
  checkDivisible(amount, pi.currency);
  if (amount <= pi.amount) {
    throw invalid(`The amount must be greater than the current amount, ${pi.amount}.`, 'amount');
  }
  pi.amountCapturable += amount - pi.amount;
  charge.amount = pi.amount = amount;
  call.books.save(charge, 'charge.updated');
  call.books.save(pi, 'payment_intent.amount_capturable_updated');
  return render(pi);
};

const retrievePaymentIntent: Handler = (call) => render(fromPath(call, 'payment_intent'));

const listPaymentIntents: Handler = (call) =>
  list(
    call,
    filtered(call.form, 'customer', call.books.all('payment_intent'), (pi) => pi.customer),
  );

export const PAYMENT_INTENT_ROUTES: Routes = [
  ['POST /v1/payment_intents', createPaymentIntent],
  ['GET /v1/payment_intents', listPaymentIntents],
  ['GET /v1/payment_intents/*', retrievePaymentIntent],
  ['POST /v1/payment_intents/*', updatePaymentIntent],
  ['POST /v1/payment_intents/*/confirm', confirmPaymentIntent],
  ['POST /v1/payment_intents/*/capture', capturePaymentIntent],
  ['POST /v1/payment_intents/*/cancel', cancelPaymentIntent],
  ['POST /v1/payment_intents/*/increment_authorization', incrementAuthorization],
];

/** Throws Stripe's 402 when the payment is declined. */
function pay({ books, form }: Call, pi: PaymentIntent, amount = pi.amount): void {
  const usual = pi.amount;
  pi.amount = amount;
  const away = readFlag(form, 'off_session') || readFlag(form, 'error_on_requires_action');
  const refusal = attempt(books, pi, away);
  if (!refusal) return;
  pi.amount = usual;
  books.save(pi);
  throw cardError(refusal, { charge: pi.latestCharge, payment_intent: render(pi) });
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

function ofInvoice(pi: PaymentIntent) {
  return conflict(
    `This PaymentIntent belongs to the invoice ${pi.invoice}: change or void that.`,
    'payment_intent_unexpected_state',
  );
}
