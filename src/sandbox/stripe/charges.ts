/** The older API of charges: take a payment without a PaymentIntent. */
import {
  checkDivisible,
  checkMinimum,
  readAmount,
  readCurrency,
  readOptionalAmount,
} from './amounts.ts';
import {
  asItWas,
  filtered,
  fromPath,
  type Handler,
  list,
  type Routes,
  readConnect,
  readCustomer,
  readMetadata,
  readText,
} from './call.ts';
import { AUTHENTICATION_REQUIRED, cardOutcome } from './cards.ts';
import { type Attempt, addCharge, captureCharge, notCapturable } from './charging.ts';
import { cardOfCustomer } from './customer-balance.ts';
import { cardError, conflict, invalid } from './errors.ts';
import { cardOf } from './payment-methods.ts';
import { render } from './records.ts';

const createCharge: Handler = (call) => {
  const { form } = call;
  const amount = readAmount(form);
  const currency = readCurrency(form);
  checkMinimum(amount, currency);
  const customer = readCustomer(call);
  const source = readText(form, 'source');
  if (!customer && !source) throw invalid('Must provide source or customer.');
  const connect = readConnect(call);
  const capture = form.text('capture')?.toLowerCase() !== 'false';
  const card = source ?? cardOfCustomer(call.books, customer!);
  if (!card) throw noCard();
  const attempt = attemptOn(cardOf(call.books, card), capture);
  const charge = addCharge(
    call.books,
    {
      amount,
      currency,
      customer,
      paymentIntent: null,
      paymentMethod: card,
      description: readText(form, 'description'),
      metadata: readMetadata(form),
      ...connect,
    },
    attempt,
  );
  if (charge.refusal) throw cardError(charge.refusal, { charge: charge.id });
  return render(charge);
};

function noCard() {
  const message = 'Cannot charge a customer that has no active card';
  return cardError({ code: 'missing', declineCode: null, message }, {});
}

function attemptOn(card: string, capture: boolean): Attempt {
  const outcome = cardOutcome(card);
  switch (outcome.kind) {
    case 'declined':
      return outcome.refusal;
    case 'action':
      return AUTHENTICATION_REQUIRED;
    case 'processing':
      return 'pending';
    case 'approved':
      return capture ? 'captured' : 'authorised';
  }
}

const captureChargeById: Handler = (call) => {
  const charge = fromPath(call, 'charge');
  const amount = readOptionalAmount(call.form) ?? charge.amount;
  if (charge.paymentIntent) {
    throw invalid('This charge belongs to a PaymentIntent: capture that.', 'charge');
  }
  if (charge.state !== 'authorised') throw notCapturable(charge);
  if (amount > charge.amount) {
    throw conflict(`Amount to capture must not exceed ${charge.amount}.`, 'amount_too_large', {
      param: 'amount',
    });
  }
  checkDivisible(amount, charge.currency);
  captureCharge(call.books, charge, amount, true);
  return render(charge);
};

const updateCharge: Handler = (call) => {
  const charge = fromPath(call, 'charge');
  const before = asItWas(charge);
  charge.description = readText(call.form, 'description', charge.description);
  charge.metadata = readMetadata(call.form, charge.metadata);
  call.books.save(charge, 'charge.updated', before);
  return render(charge);
};

const retrieveCharge: Handler = (call) => render(fromPath(call, 'charge'));

const listCharges: Handler = (call) => {
  const ofCustomer = filtered(call.form, 'customer', call.books.all('charge'), (c) => c.customer);
  return list(
    call,
    filtered(call.form, 'payment_intent', ofCustomer, (c) => c.paymentIntent),
  );
};

export const CHARGE_ROUTES: Routes = [
  ['POST /v1/charges', createCharge],
  ['GET /v1/charges', listCharges],
  ['GET /v1/charges/*', retrieveCharge],
  ['POST /v1/charges/*', updateCharge],
  ['POST /v1/charges/*/capture', captureChargeById],
];
