/**
 * Money that moves without a card: payouts to the bank, topups from it, transfers to connected
 * accounts, and the balance. The account is rich: nothing is ever refused for want of funds.
 */
import { checkDivisible, readAmount, readCurrency, readOptionalAmount } from './amounts.ts';
import {
  asItWas,
  type Call,
  fromPath,
  type Handler,
  list,
  type Routes,
  readMetadata,
  readText,
} from './call.ts';
import { conflict, missing, noSuch } from './errors.ts';
import { newObjectId } from './ids.ts';
import type { Fund } from './objects/fund.ts';
import type { Json } from './objects/kept.ts';
import { render } from './records.ts';

const PREFIX = { payout: 'po_1', topup: 'tu_1', transfer: 'tr_1' } as const;

const createPayout: Handler = (call) =>
  add(call, 'payout', readAmount(call.form), readText(call.form, 'method'));

const createTopup: Handler = (call) =>
  add(call, 'topup', readAmount(call.form), readText(call.form, 'source'));

/** `amount` may be left out with `source_transaction`: then it is that charge's. */
const createTransfer: Handler = (call) => {
  const destination = readText(call.form, 'destination');
  if (!destination) throw missing('destination');
  const source = readText(call.form, 'source_transaction');
  const charge = source ? call.books.find('charge', source) : undefined;
  if (source && !charge) throw noSuch('charge', source, 'source_transaction');
  const amount = readOptionalAmount(call.form) ?? charge?.amountCaptured;
  if (!amount) throw missing('amount');
  return add(call, 'transfer', amount, destination);
};

/** Takes a payout back from the bank: a payout of its own, with a minus. */
const reversePayout: Handler = (call) => {
  const { books } = call;
  const payout = fromPath(call, 'payout');
  if (payout.status !== 'paid' && payout.status !== 'in_transit') {
    throw conflict(`A payout that is ${payout.status} can't be reversed; cancel it.`, null);
  }
  if (payout.original || payout.reversedBy) {
    throw conflict(`Payout ${payout.id} is already reversed.`, null);
  }
  const reversal = books.add<Fund>(
    {
      ...payout,
      id: newObjectId(PREFIX.payout, 23),
      created: call.now,
      metadata: readMetadata(call.form),
      amount: -payout.amount,
      status: 'pending',
      original: payout.id,
    },
    'payout.created',
  );
  const before = asItWas(payout);
  payout.reversedBy = reversal.id;
  books.save(payout, 'payout.updated', before);
  return render(reversal);
};

const updateFund =
  (kind: Fund['object']): Handler =>
  (call) => {
    const fund = fromPath(call, kind);
    const before = asItWas(fund);
    fund.description = readText(call.form, 'description', fund.description);
    fund.metadata = readMetadata(call.form, fund.metadata);
    call.books.save(fund, `${kind}.updated`, before);
    return render(fund);
  };

const cancelFund =
  (kind: 'payout' | 'topup'): Handler =>
  (call) => {
    const fund = fromPath(call, kind);
    if (fund.status !== 'pending') {
      throw conflict(`This ${kind} can no longer be canceled.`, `${kind}_not_cancelable`);
    }
    fund.status = 'canceled';
    call.books.save(fund, `${kind}.canceled`);
    return render(fund);
  };

const retrieveFund =
  (kind: Fund['object']): Handler =>
  (call) =>
    render(fromPath(call, kind));

const listFunds =
  (kind: Fund['object']): Handler =>
  (call) =>
    list(call, call.books.all(kind));

const retrieveBalance: Handler = ({ books }) => {
  const amount = books.whole.balanceCents('usd', books.account);
  return {
    object: 'balance',
    available: [{ amount: Number(amount), currency: 'usd', source_types: { card: 0 } }],
    livemode: false,
    pending: [{ amount: 0, currency: 'usd', source_types: { card: 0 } }],
  };
};

function add(call: Call, kind: Fund['object'], amount: number, detail: string | null): Json {
  const currency = readCurrency(call.form);
  checkDivisible(amount, currency, kind === 'payout');
  const fund = call.books.add<Fund>(
    {
      id: newObjectId(PREFIX[kind], 23),
      created: call.now,
      metadata: readMetadata(call.form),
      amount,
      currency,
      object: kind,
      status: kind === 'transfer' ? 'paid' : 'pending',
      detail,
      description: readText(call.form, 'description'),
      reversed: 0,
      original: null,
      reversedBy: null,
    },
    `${kind}.created`,
  );
  return render(fund);
}

export const FUND_ROUTES: Routes = [
  ['POST /v1/payouts', createPayout],
  ['GET /v1/payouts', listFunds('payout')],
  ['GET /v1/payouts/*', retrieveFund('payout')],
  ['POST /v1/payouts/*/cancel', cancelFund('payout')],
  ['POST /v1/payouts/*', updateFund('payout')],
  ['POST /v1/payouts/*/reverse', reversePayout],
  ['POST /v1/topups', createTopup],
  ['GET /v1/topups', listFunds('topup')],
  ['GET /v1/topups/*', retrieveFund('topup')],
  ['POST /v1/topups/*/cancel', cancelFund('topup')],
  ['POST /v1/topups/*', updateFund('topup')],
  ['POST /v1/transfers', createTransfer],
  ['GET /v1/transfers', listFunds('transfer')],
  ['GET /v1/transfers/*', retrieveFund('transfer')],
  ['POST /v1/transfers/*', updateFund('transfer')],
  ['GET /v1/balance', retrieveBalance],
];
