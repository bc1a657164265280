/**
 * Refunds: money that goes back out, never more than a charge received.
 */
import { checkDivisible, readOptionalAmount, showAmount } from './amounts.ts';
import {
  asItWas,
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  type Routes,
  readFlag,
  readMetadata,
  readText,
} from './call.ts';
import { conflict, invalid, noSuch } from './errors.ts';
import { refundFeeOf } from './fees.ts';
import type { Charge } from './objects/charge.ts';
import { render } from './records.ts';
import { refundable, refundCharge, refundUncaptured } from './refunding.ts';

/** Without `amount`: all that is left. An uncaptured charge of the older API is let go instead. */
const createRefund: Handler = (call) => {
  const { form, books } = call;
  const asked = readOptionalAmount(form);
  const charge = refundedCharge(call);
  const details = { reason: readText(form, 'reason'), metadata: readMetadata(form) };
  if (charge.state === 'authorised' && !charge.paymentIntent) {
    if (asked !== undefined && asked !== charge.amount) {
      throw conflict('An uncaptured charge can only be refunded whole.', 'charge_not_captured');
    }
    return render(refundUncaptured(books, charge, details));
  }
  if (charge.state !== 'captured') {
    throw conflict(`Charge ${charge.id} has no captured money to refund.`, 'charge_not_refundable');
  }
  const left = refundable(charge);
  if (left === 0) {
    throw conflict(`Charge ${charge.id} has already been refunded.`, 'charge_already_refunded');
  }
  const amount = asked ?? left;
  checkDivisible(amount, charge.currency);
  if (amount > left) {
    const [want, have] = [amount, left].map((minor) => showAmount(minor, charge.currency));
    throw conflict(
      `Refund amount (${want}) is greater than unrefunded amount on charge (${have})`,
      'amount_too_large',
      { param: 'amount' },
    );
  }
  const refund = refundCharge(books, charge, amount, details);
  if (readFlag(form, 'refund_application_fee')) refundFeeOf(books, charge, amount);
  return render(refund);
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

export const REFUND_ROUTES: Routes = [
  ['POST /v1/refunds', createRefund],
  ['GET /v1/refunds', listRefunds],
  ['GET /v1/refunds/*', retrieveRefund],
  ['POST /v1/refunds/*', updateRefund],
];
