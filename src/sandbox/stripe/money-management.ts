/**
 * Money of API v2. Bodies are JSON, amounts are `{value, currency}`; a movement is accepted at once
 * and can fail or come back later (outside.ts).
 */
import { checkDivisible, readAmount, readCurrency } from './amounts.ts';
import {
  type Call,
  fromPath,
  type Handler,
  listInV2,
  type Routes,
  readMetadata,
  readText,
} from './call.ts';
import { refusedInV2 } from './dialect.ts';
import { missing } from './errors.ts';
import { newObjectId } from './ids.ts';
import type { Json } from './objects/kept.ts';
import type { MoneyMovement, PayoutIntent } from './objects/money-movement.ts';
import { type New, render } from './records.ts';

const PREFIX = {
  'v2.money_management.outbound_payment': 'obp_1',
  'v2.money_management.outbound_transfer': 'obt_1',
  'v2.money_management.inbound_transfer': 'ibt_1',
} as const;

type Kind = MoneyMovement['object'];

const createMovement =
  (kind: Kind): Handler =>
  (call) => {
    const { from, to } = readEnds(call);
    if (kind === 'v2.money_management.outbound_payment' && !to.recipient) {
      throw missing('to.recipient');
    }
    return render(add(call, kind, { ...readMoney(call), from, to, payoutIntent: null }));
  };

type Movement = Pick<MoneyMovement, 'amount' | 'currency' | 'from' | 'to' | 'payoutIntent'>;

function add(call: Call, kind: Kind, movement: Movement): MoneyMovement {
  const from: New<MoneyMovement> = {
    ...movement,
    id: newObjectId(PREFIX[kind], 23),
    created: call.now,
    metadata: readMetadata(call.form),
    object: kind,
    status: 'processing',
    description: readText(call.form, 'description'),
  };
  const inbound = kind === 'v2.money_management.inbound_transfer';
  return call.books.add(from, `${kind}.${inbound ? 'bank_debit_processing' : 'created'}`);
}

const cancelMovement =
  (kind: Kind): Handler =>
  (call) => {
    const movement = fromPath(call, kind);
    if (movement.status === 'canceled') {
      throw refusedInV2('already_canceled', `${movement.id} is already canceled.`);
    }
    if (movement.status !== 'processing') {
      throw refusedInV2('not_cancelable', `${movement.id} is ${movement.status}.`);
    }
    movement.status = 'canceled';
    call.books.save(movement, `${kind}.canceled`);
    return render(movement);
  };

/** `confirmation_method: automatic` pays at once; `manual` waits for a confirmation. */
const createPayoutIntent: Handler = (call) => {
  const { form, books } = call;
  const manual = form.text('confirmation_method') === 'manual';
  const intent = books.add<PayoutIntent>(
    {
      id: newObjectId('poi_1', 23),
      created: call.now,
      metadata: readMetadata(form),
      ...readMoney(call),
      ...readEnds(call),
      object: 'v2.money_management.payout_intent',
      status: 'requires_action',
      confirmationMethod: manual ? 'manual' : 'automatic',
      description: readText(form, 'description'),
      latestPayout: null,
    },
    'v2.money_management.payout_intent.created',
  );
  if (!manual) payOut(call, intent);
  return render(intent);
};

const confirmPayoutIntent: Handler = (call) => {
  const intent = fromPath(call, 'v2.money_management.payout_intent');
  if (intent.status !== 'requires_action') {
    throw refusedInV2('cannot_proceed', `${intent.id} is ${intent.status}.`);
  }
  payOut(call, intent);
  return render(intent);
};

const cancelPayoutIntent: Handler = (call) => {
  const intent = fromPath(call, 'v2.money_management.payout_intent');
  if (intent.status !== 'requires_action') {
    throw refusedInV2('not_cancelable', `${intent.id} is ${intent.status}.`);
  }
  intent.status = 'canceled';
  call.books.save(intent, 'v2.money_management.payout_intent.canceled');
  return render(intent);
};

function payOut(call: Call, intent: PayoutIntent): void {
  const { amount, currency, from, to } = intent;
  const type = to.recipient ? 'outbound_payment' : 'outbound_transfer';
  const payoutIntent = intent.id;
  const movement = { amount, currency, from, to, payoutIntent };
  const { id } = add(call, `v2.money_management.${type}`, movement);
  intent.latestPayout = { id, type };
  intent.status = 'processing';
  call.books.save(intent, 'v2.money_management.payout_intent.processing');
}

function readMoney({ form }: Call): { amount: number; currency: string } {
  const amount = readAmount(form, 'amount[value]');
  const currency = readCurrency(form, 'amount[currency]');
  checkDivisible(amount, currency);
  return { amount, currency };
}

function readEnds({ form }: Call): { from: Json; to: Json } {
  const from = form.map('from');
  const to = form.map('to');
  if (!from) throw missing('from');
  if (!to) throw missing('to');
  return { from, to };
}

type Named = Kind | PayoutIntent['object'];

const retrieve =
  (kind: Named): Handler =>
  (call) =>
    render(fromPath(call, kind));

const listAll =
  (kind: Named): Handler =>
  (call) =>
    listInV2(call, call.books.all(kind), render);

const ROOT = '/v2/money_management';

const routesOf = (name: 'outbound_payment' | 'outbound_transfer' | 'inbound_transfer'): Routes => {
  const kind = `v2.money_management.${name}` as const;
  return [
    [`POST ${ROOT}/${name}s`, createMovement(kind)],
    [`GET ${ROOT}/${name}s`, listAll(kind)],
    [`GET ${ROOT}/${name}s/*`, retrieve(kind)],
    [`POST ${ROOT}/${name}s/*/cancel`, cancelMovement(kind)],
  ];
};

export const MONEY_MANAGEMENT_ROUTES: Routes = [
  ...routesOf('outbound_payment'),
  ...routesOf('outbound_transfer'),
  ...routesOf('inbound_transfer'),
  [`POST ${ROOT}/payout_intents`, createPayoutIntent],
  [`GET ${ROOT}/payout_intents`, listAll('v2.money_management.payout_intent')],
  [`GET ${ROOT}/payout_intents/*`, retrieve('v2.money_management.payout_intent')],
  [`POST ${ROOT}/payout_intents/*/confirm`, confirmPayoutIntent],
  [`POST ${ROOT}/payout_intents/*/cancel`, cancelPayoutIntent],
];
