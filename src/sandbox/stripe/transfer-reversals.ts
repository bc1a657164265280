/** Reversals of transfers: partial, repeated, never more than the transfer had. */
import { readOptionalAmount, showAmount } from './amounts.ts';
import {
  type Call,
  fromPath,
  type Handler,
  list,
  type Routes,
  readMetadata,
  readText,
} from './call.ts';
import { conflict, noSuch } from './errors.ts';
import { newId } from './ids.ts';
import type { TransferReversal } from './objects/transfer-reversal.ts';
import { render } from './records.ts';

/** Without `amount`: all that is left. */
const createReversal: Handler = (call) => {
  const { form, books } = call;
  const asked = readOptionalAmount(form);
  const transfer = fromPath(call, 'transfer');
  const left = transfer.amount - transfer.reversed;
  if (left === 0) throw conflict(`Transfer ${transfer.id} is already fully reversed.`, null);
  const amount = asked ?? left;
  if (amount > left) {
    const [want, have] = [amount, left].map((minor) => showAmount(minor, transfer.currency));
    throw conflict(
      `Reversal amount (${want}) is greater than unreversed amount on transfer (${have}).`,
      null,
      { param: 'amount' },
    );
  }
  transfer.reversed += amount;
  books.save(transfer, 'transfer.reversed');
  const reversal = books.add<TransferReversal>({
    id: newId('trr_1', 23),
    created: call.now,
    metadata: readMetadata(form),
    amount,
    currency: transfer.currency,
    object: 'transfer_reversal',
    transfer: transfer.id,
    description: readText(form, 'description'),
  });
  return render(reversal);
};

const retrieveReversal: Handler = (call) => render(reversalFromPath(call));

const updateReversal: Handler = (call) => {
  const reversal = reversalFromPath(call);
  reversal.metadata = readMetadata(call.form, reversal.metadata);
  call.books.save(reversal);
  return render(reversal);
};

const listReversals: Handler = (call) =>
  list(
    call,
    call.books.all('transfer_reversal').filter((one) => one.transfer === call.id),
  );

function reversalFromPath(call: Call): TransferReversal {
  const reversal = call.books.find('transfer_reversal', call.subId);
  if (reversal?.transfer !== call.id) throw noSuch('transfer reversal', call.subId);
  return reversal;
}

export const TRANSFER_REVERSAL_ROUTES: Routes = [
  ['POST /v1/transfers/*/reversals', createReversal],
  ['GET /v1/transfers/*/reversals', listReversals],
  ['GET /v1/transfers/*/reversals/*', retrieveReversal],
  ['POST /v1/transfers/*/reversals/*', updateReversal],
];
