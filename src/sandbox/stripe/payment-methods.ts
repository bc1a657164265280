/**
 * Payment methods and SetupIntents, as far as payments need them: a method made or attached here
 * behaves like the test card it came from.
 */
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
import { cardOutcome } from './cards.ts';
import { cardError, conflict, invalid, missing } from './errors.ts';
import { newId } from './ids.ts';
import type { PaymentMethod, SetupIntent } from './records.ts';
import { render } from './render.ts';

/** The test card behind a payment method's id; the id itself when it was not made here. */
export function cardOf(books: StripeBooks, id: string): string {
  return books.find('payment_method', id)?.card ?? id;
}

export const createPaymentMethod: Handler = (call) => {
  const type = call.form.text('type');
  if (!type) throw missing('type');
  return render(add(call, call.form.text('card[token]') ?? type, null));
};

/** A test card's name gives a card; a name that is nobody's is taken for an old one that pays. */
export const retrievePaymentMethod: Handler = (call) => render(methodOf(call));

/** Attaching a test card by name makes a method of its own; declining cards are declined here. */
export const attachPaymentMethod: Handler = (call) => {
  const customer = readCustomer(call);
  if (!customer) throw missing('customer');
  const card = cardOf(call.books, call.id);
  const outcome = cardOutcome(card);
  // This one card is made to attach and to fail later, at the payment.
  if (outcome.kind === 'declined' && !card.endsWith('chargeCustomerFail')) {
    throw cardError(outcome.refusal, {});
  }
  const known = call.books.find('payment_method', call.id);
  if (!known) return render(add(call, card, customer));
  known.customer = customer;
  call.books.save(known);
  return render(known);
};

export const detachPaymentMethod: Handler = (call) => {
  const pm = fromPath(call, 'payment_method');
  pm.customer = null;
  call.books.save(pm);
  return render(pm);
};

export const listPaymentMethods: Handler = (call) => {
  const all = call.books.all('payment_method');
  if (call.id)
    return list(
      call,
      all.filter((pm) => pm.customer === call.id),
    );
  return list(
    call,
    filtered(call.form, 'customer', all, (pm) => pm.customer),
  );
};

export const createSetupIntent: Handler = (call) => {
  const { form } = call;
  const paymentMethod = readText(form, 'payment_method');
  const seti: SetupIntent = {
    id: newId('seti_1', 23),
    created: call.now,
    metadata: readMetadata(form),
    object: 'setup_intent',
    status: paymentMethod ? 'requires_confirmation' : 'requires_payment_method',
    customer: readCustomer(call),
    paymentMethod,
    usage: readText(form, 'usage') ?? 'off_session',
  };
  call.books.save(seti);
  if (form.text('confirm')?.toLowerCase() === 'true') setUp(call, seti);
  return render(seti);
};

export const confirmSetupIntent: Handler = (call) => {
  const seti = fromPath(call, 'setup_intent');
  if (seti.status === 'succeeded' || seti.status === 'canceled') throw wrongState(seti);
  seti.paymentMethod = readText(call.form, 'payment_method', seti.paymentMethod);
  setUp(call, seti);
  return render(seti);
};

export const cancelSetupIntent: Handler = (call) => {
  const seti = fromPath(call, 'setup_intent');
  if (seti.status === 'succeeded' || seti.status === 'canceled') throw wrongState(seti);
  seti.status = 'canceled';
  call.books.save(seti);
  return render(seti);
};

export const retrieveSetupIntent: Handler = (call) => render(fromPath(call, 'setup_intent'));

function setUp(call: Call, seti: SetupIntent): void {
  if (!seti.paymentMethod) {
    throw invalid('You cannot confirm this SetupIntent without a payment method.');
  }
  const outcome = cardOutcome(cardOf(call.books, seti.paymentMethod));
  if (outcome.kind === 'declined') {
    seti.status = 'requires_payment_method';
    seti.paymentMethod = null;
    call.books.save(seti);
    throw cardError(outcome.refusal, { setup_intent: render(seti) });
  }
  seti.status = outcome.kind === 'action' ? 'requires_action' : 'succeeded';
  call.books.save(seti);
}

function methodOf(call: Call): PaymentMethod {
  return call.books.find('payment_method', call.id) ?? newMethod(call, call.id, call.id, null);
}

function add(call: Call, card: string, customer: string | null): PaymentMethod {
  const pm = newMethod(call, newId('pm_1', 23), card, customer);
  call.books.save(pm);
  return pm;
}

function newMethod(call: Call, id: string, card: string, customer: string | null): PaymentMethod {
  const metadata = readMetadata(call.form);
  return { id, created: call.now, metadata, object: 'payment_method', card, customer };
}

function wrongState(seti: SetupIntent) {
  return conflict(
    `This SetupIntent has a status of ${seti.status}.`,
    'setup_intent_unexpected_state',
    { setup_intent: render(seti) },
  );
}
