/**
 * Refunds: money that goes back out, never more than a charge received.
 */
import { readOptionalAmount, showAmount } from './amounts.ts';
import {
  asItWas,
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  type Routes,
  readMetadata,
  readText,
} from './call.ts';
import { refundsLate } from './cards.ts';
import { conflict, invalid, noSuch } from './errors.ts';
import { newObjectId } from './ids.ts';
import type { Charge } from './objects/charge.ts';
import type { Refund } from './objects/refund.ts';
import { cardOf } from './payment-methods.ts';
import { render } from './records.ts';

/** Without `amount`: all that is left. An uncaptured charge of the older API is let go instead. */
const createRefund: Handler = (call) => {
  const asked = readOptionalAmount(call.form);
  const charge = refundedCharge(call);
  const left = charge.amountCaptured - charge.amountRefunded;
  if (charge.state === 'authorised' && !charge.paymentIntent) return release(call, charge, asked);
  if (charge.state !== 'captured') {
    throw conflict(`Charge ${charge.id} has no captured money to refund.`, 'charge_not_refundable');
  }
  if (left === 0) {
    throw conflict(`Charge ${charge.id} has already been refunded.`, 'charge_already_refunded');
  }
  const amount = asked ?? left;
  if (amount > left) {
    const [want, have] = [showAmount(amount, charge.currency), showAmount(left, charge.currency)];
    throw conflict(
      `Refund amount (${want}) is greater than unrefunded amount on charge (${have})`,
      'amount_too_large',
      { param: 'amount' },
    );
  }
  charge.amountRefunded += amount;
  call.books.save(charge, 'charge.refunded');
  return render(addRefund(call, charge, amount));
};

const retrieveRefund: Handler = (call) => render(fromPath(call, 'refund'));

const updateRefund: Handler = (call) => {
  const refund = fromPath(call, 'refund');
  const before = asItWas(refund);
  refund.metadata = readMetadata(call.form, refund.metadata);
  call.books.save(refund, 'refund.updated', before);
  return render(refund);
};

const listRefunds: Handler = (call) => {
  const ofCharge = filtered(call.form, 'charge', call.books.all('refund'), (re) => re.charge);
  return list(
    call,
    filtered(call.form, 'payment_intent', ofCharge, (re) => re.paymentIntent),
  );
};

function refundedCharge(call: Call): Charge {
  const { form, books } = call;
  const chargeId = form.text('charge');
  const intentId = form.text('payment_intent');
  if (chargeId) {
    const charge = books.find('charge', chargeId);
    if (!charge) throw noSuch('charge', chargeId, 'charge');
    return charge;
  }
  if (!intentId) {
    throw invalid('One of the following params should be provided: payment_intent or charge.');
  }
  const pi = books.find('payment_intent', intentId);
  if (!pi) throw noSuch('payment_intent', intentId, 'payment_intent');
  const charge = books.find('charge', pi.latestCharge ?? '');
  if (!charge) {
    throw conflict(
      `This PaymentIntent (${pi.id}) does not have a successful charge to refund.`,
      'payment_intent_unexpected_state',
    );
  }
  return charge;
}

function release(call: Call, charge: Charge, asked: number | undefined) {
  if (asked !== undefined && asked !== charge.amount) {
    throw conflict('An uncaptured charge can only be refunded whole.', 'charge_not_captured');
  }
  charge.state = 'released';
  charge.amountRefunded = charge.amount;
  call.books.save(charge, 'charge.refunded');
  return render(addRefund(call, charge, 0, charge.amount));
}

/** `shown` differs from what moved when an authorisation is let go: nothing moves then. */
function addRefund(call: Call, charge: Charge, moved: number, shown = moved): Refund {
  return call.books.add<Refund>(
    {
      id: newObjectId('re_3', 23),
      created: call.now,
      metadata: readMetadata(call.form),
      amount: shown,
      moved,
      currency: charge.currency,
      object: 'refund',
      status: refundsLate(cardOf(call.books, charge.paymentMethod ?? '')) ? 'pending' : 'succeeded',
      charge: charge.id,
      paymentIntent: charge.paymentIntent,
      reason: readText(call.form, 'reason'),
    },
    'refund.created',
  );
}

export const REFUND_ROUTES: Routes = [
  ['POST /v1/refunds', createRefund],
  ['GET /v1/refunds', listRefunds],
  ['GET /v1/refunds/*', retrieveRefund],
  ['POST /v1/refunds/*', updateRefund],
];
