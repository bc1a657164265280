/** Application fees: what the platform kept of connected accounts' payments, and gives back. */
import { readOptionalAmount } from './amounts.ts';
import {
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  type Routes,
  readMetadata,
} from './call.ts';
import { conflict, noSuch } from './errors.ts';
import { refundFee } from './fees.ts';
import type { FeeRefund } from './objects/application-fee.ts';
import { render } from './records.ts';

/** Without `amount`: all that is left. */
const createFeeRefund: Handler = (call) => {
  const asked = readOptionalAmount(call.form);
  const fee = fromPath(call, 'application_fee');
  const left = fee.amount - fee.amountRefunded;
  if (left === 0) {
    throw conflict(`Application fee ${fee.id} has already been refunded.`, null);
  }
  const amount = asked ?? left;
  if (amount > left) {
    throw conflict(
      `Refund amount (${amount}) is greater than unrefunded amount on fee (${left}).`,
      null,
      { param: 'amount' },
    );
  }
  return render(refundFee(call.books, fee, amount, readMetadata(call.form)));
};

const retrieveFeeRefund: Handler = (call) => render(refundFromPath(call));

const updateFeeRefund: Handler = (call) => {
  const refund = refundFromPath(call);
  refund.metadata = readMetadata(call.form, refund.metadata);
  call.books.save(refund, 'application_fee.refund.updated');
  return render(refund);
};

function refundFromPath(call: Call): FeeRefund {
  const refund = call.books.find('fee_refund', call.subId);
  if (refund?.fee !== call.id) throw noSuch('fee_refund', call.subId);
  return refund;
}

const listFeeRefunds: Handler = (call) =>
  list(
    call,
    call.books.all('fee_refund').filter((refund) => refund.fee === call.id),
  );

const retrieveFee: Handler = (call) => render(fromPath(call, 'application_fee'));

const listFees: Handler = (call) =>
  list(
    call,
    filtered(call.form, 'charge', call.books.all('application_fee'), (fee) => fee.charge),
  );

export const APPLICATION_FEE_ROUTES: Routes = [
  ['GET /v1/application_fees', listFees],
  ['GET /v1/application_fees/*', retrieveFee],
  ['POST /v1/application_fees/*/refunds', createFeeRefund],
  ['GET /v1/application_fees/*/refunds', listFeeRefunds],
  ['GET /v1/application_fees/*/refunds/*', retrieveFeeRefund],
  ['POST /v1/application_fees/*/refunds/*', updateFeeRefund],
];
