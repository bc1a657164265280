/**
 * Payment methods and SetupIntents, as far as payments need them: a method made or attached here
 * behaves like the test card it came from.
 */
import type { AccountBooks } from './account-books.ts';
import {
  asItWas,
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  type Routes,
  readCustomer,
  readFlag,
  readMetadata,
  readText,
} from './call.ts';
import { cardOutcome } from './cards.ts';
import { cardError, conflict, invalid, missing } from './errors.ts';
import { newId } from './ids.ts';
import type { PaymentMethod, SetupIntent } from './objects/payment-method.ts';
import { type New, render } from './records.ts';

/** The test card behind a payment method's id; the id itself when it was not made here. */
export function cardOf(books: AccountBooks, id: string): string {
  return books.find('payment_method', id)?.card ?? id;
}

/** Throws Stripe's 402 for a card that declines already when it is put on a customer. */
export function demandAttachable(card: string): void {
  const outcome = cardOutcome(card);
  // This one card is made to attach and to fail later, at the payment.
  if (outcome.kind !== 'declined' || card.endsWith('chargeCustomerFail')) return;
  throw cardError(outcome.refusal, {});
}

const createPaymentMethod: Handler = (call) => {
  const type = call.form.text('type');
  if (!type) throw missing('type');
  const card = call.form.text('card[token]') ?? type;
  return render(call.books.add<PaymentMethod>(newMethod(call, newId('pm_1', 23), card, null)));
};

/** A test card's name gives a card; a name that is nobody's is taken for an old one that pays. */
const retrievePaymentMethod: Handler = (call) => {
  const known = call.books.find('payment_method', call.id);
  return render(
    known ?? { ...newMethod(call, call.id, call.id, null), account: call.books.account },
  );
};

/** Attaching a test card by name makes a method of its own; declining cards are declined here. */
const attachPaymentMethod: Handler = (call) => {
  const customer = readCustomer(call);
  if (!customer) throw missing('customer');
  const card = cardOf(call.books, call.id);
  demandAttachable(card);
  const pm =
    call.books.find('payment_method', call.id) ??
    call.books.add<PaymentMethod>(newMethod(call, newId('pm_1', 23), card, null));
  pm.customer = customer;
  call.books.save(pm, 'payment_method.attached');
  return render(pm);
};

const detachPaymentMethod: Handler = (call) => {
  const pm = fromPath(call, 'payment_method');
  const before = asItWas(pm);
  pm.customer = null;
  call.books.save(pm, 'payment_method.detached', before);
  return render(pm);
};

const listPaymentMethods: Handler = (call) => {
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

const createSetupIntent: Handler = (call) => {
  const { form } = call;
  const paymentMethod = readText(form, 'payment_method');
  const seti = call.books.add<SetupIntent>(
    {
      id: newId('seti_1', 23),
      created: call.now,
      metadata: readMetadata(form),
      object: 'setup_intent',
      status: paymentMethod ? 'requires_confirmation' : 'requires_payment_method',
      customer: readCustomer(call),
      paymentMethod,
      usage: readText(form, 'usage') ?? 'off_session',
    },
    'setup_intent.created',
  );
  if (readFlag(form, 'confirm')) setUp(call, seti);
  return render(seti);
};

const confirmSetupIntent: Handler = (call) => {
  const seti = fromPath(call, 'setup_intent');
  if (seti.status === 'succeeded' || seti.status === 'canceled') throw wrongState(seti);
  seti.paymentMethod = readText(call.form, 'payment_method', seti.paymentMethod);
  setUp(call, seti);
  return render(seti);
};

const cancelSetupIntent: Handler = (call) => {
  const seti = fromPath(call, 'setup_intent');
  if (seti.status === 'succeeded' || seti.status === 'canceled') throw wrongState(seti);
  seti.status = 'canceled';
  call.books.save(seti, 'setup_intent.canceled');
  return render(seti);
};

const retrieveSetupIntent: Handler = (call) => render(fromPath(call, 'setup_intent'));

function setUp(call: Call, seti: SetupIntent): void {
  if (!seti.paymentMethod) {
    throw invalid('You cannot confirm this SetupIntent without a payment method.');
  }
  const outcome = cardOutcome(cardOf(call.books, seti.paymentMethod));
  if (outcome.kind === 'declined') {
    seti.status = 'requires_payment_method';
    seti.paymentMethod = null;
    call.books.save(seti, 'setup_intent.setup_failed');
    throw cardError(outcome.refusal, { setup_intent: render(seti) });
  }
  seti.status = outcome.kind === 'action' ? 'requires_action' : 'succeeded';
  call.books.save(seti, `setup_intent.${seti.status}`);
}

function newMethod(
  call: Call,
  id: string,
  card: string,
  customer: string | null,
): New<PaymentMethod> {
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

export const PAYMENT_METHOD_ROUTES: Routes = [
  ['GET /v1/customers/*/payment_methods', listPaymentMethods],
  ['POST /v1/payment_methods', createPaymentMethod],
  ['GET /v1/payment_methods', listPaymentMethods],
  ['GET /v1/payment_methods/*', retrievePaymentMethod],
  ['POST /v1/payment_methods/*/attach', attachPaymentMethod],
  ['POST /v1/payment_methods/*/detach', detachPaymentMethod],
  ['POST /v1/setup_intents', createSetupIntent],
  ['GET /v1/setup_intents/*', retrieveSetupIntent],
  ['POST /v1/setup_intents/*/confirm', confirmSetupIntent],
  ['POST /v1/setup_intents/*/cancel', cancelSetupIntent],
];
