/**
 * Objects as clients see them: the fields that the SDKs type and that a ledger reads, with the
 * constants that the recorded replies of Stripe's test mode show. Reads records, changes nothing.
 */
import type { StripeBooks } from './books.ts';
import { cardErrorBody } from './errors.ts';
import type {
  BalanceTransaction,
  Charge,
  Customer,
  Fund,
  PaymentIntent,
  PaymentMethod,
  Refund,
  SetupIntent,
  StripeRecord,
} from './records.ts';

export type Json = Record<string, unknown>;

export function render(record: StripeRecord): Json {
  switch (record.object) {
    case 'payment_intent':
      return paymentIntent(record);
    case 'charge':
      return charge(record);
    case 'refund':
      return refund(record);
    case 'payout':
    case 'topup':
    case 'transfer':
      return fund(record);
    case 'customer':
      return customer(record);
    case 'payment_method':
      return paymentMethod(record);
    case 'setup_intent':
      return setupIntent(record);
    case 'customer_balance_transaction':
      return balanceTransaction(record);
  }
}

/** Puts the object in the place of its id: `latest_charge`, `data.customer`. Others are ignored. */
export function expand(books: StripeBooks, object: Json, path: string): void {
  const dot = path.indexOf('.');
  const name = dot < 0 ? path : path.slice(0, dot);
  let value = object[name];
  if (typeof value === 'string') {
    const record = books.get(value);
    if (!record) return;
    value = object[name] = render(record);
  }
  if (dot < 0 || typeof value !== 'object' || value === null) return;
  const rest = path.slice(dot + 1);
  for (const item of Array.isArray(value) ? value : [value]) expand(books, item as Json, rest);
}

function paymentIntent(pi: PaymentIntent): Json {
  return {
    id: pi.id,
    object: 'payment_intent',
    amount: pi.amount,
    amount_capturable: pi.amountCapturable,
    amount_details: { tip: {} },
    amount_received: pi.amountReceived,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: pi.canceledAt,
    cancellation_reason: pi.cancellationReason,
    capture_method: pi.captureMethod,
    client_secret: `${pi.id}_secret_${pi.id.slice(-12)}`,
    confirmation_method: 'automatic',
    created: pi.created,
    currency: pi.currency,
    customer: pi.customer,
    description: pi.description,
    last_payment_error: pi.lastRefusal && cardErrorBody(pi.lastRefusal, {}),
    latest_charge: pi.latestCharge,
    livemode: false,
    metadata: pi.metadata,
    next_action:
      pi.status === 'requires_action' ? { type: 'use_stripe_sdk', use_stripe_sdk: {} } : null,
    on_behalf_of: null,
    payment_method: pi.paymentMethod,
    payment_method_options: {},
    payment_method_types: ['card'],
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: pi.status,
    transfer_data: null,
    transfer_group: null,
  };
}

function charge(ch: Charge): Json {
  const failed = ch.state === 'failed';
  return {
    id: ch.id,
    object: 'charge',
    amount: ch.amount,
    amount_captured: ch.amountCaptured,
    amount_refunded: ch.amountRefunded,
    application: null,
    application_fee_amount: null,
    balance_transaction: ch.state === 'captured' ? `txn_${ch.id.slice(3)}` : null,
    captured: ch.state === 'captured',
    created: ch.created,
    currency: ch.currency,
    customer: ch.customer,
    description: ch.description,
    disputed: false,
    failure_code: ch.refusal?.code ?? null,
    failure_message: ch.refusal?.message ?? null,
    livemode: false,
    metadata: ch.metadata,
    outcome: {
      network_status: failed ? 'declined_by_network' : 'approved_by_network',
      reason: ch.refusal?.declineCode ?? null,
      type: failed ? 'issuer_declined' : 'authorized',
    },
    paid: !failed,
    payment_intent: ch.paymentIntent,
    payment_method: ch.paymentMethod,
    payment_method_details: { card: { brand: 'visa', last4: '4242' }, type: 'card' },
    receipt_url: null,
    refunded:
      ch.state === 'released' || (ch.amountCaptured > 0 && ch.amountRefunded === ch.amountCaptured),
    source: null,
    // An authorisation says "succeeded" too, with captured false: recorded so from Stripe.
    status: failed ? 'failed' : 'succeeded',
    transfer_group: null,
  };
}

function refund(re: Refund): Json {
  return {
    id: re.id,
    object: 'refund',
    amount: re.amount,
    balance_transaction: `txn_${re.id.slice(3)}`,
    charge: re.charge,
    created: re.created,
    currency: re.currency,
    metadata: re.metadata,
    payment_intent: re.paymentIntent,
    reason: re.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: re.status,
    transfer_reversal: null,
  };
}

function fund(record: Fund): Json {
  const common = {
    id: record.id,
    object: record.object,
    amount: record.amount,
    balance_transaction: `txn_${record.id.slice(3)}`,
    created: record.created,
    currency: record.currency,
    description: record.description,
    livemode: false,
    metadata: record.metadata,
  };
  switch (record.object) {
    case 'payout':
      return {
        ...common,
        arrival_date: record.created + 86_400,
        automatic: false,
        destination: 'ba_sandbox',
        failure_code: null,
        method: record.detail ?? 'standard',
        source_type: 'card',
        status: record.status,
        type: 'bank_account',
      };
    case 'topup':
      return { ...common, source: record.detail, status: record.status, transfer_group: null };
    case 'transfer':
      return {
        ...common,
        amount_reversed: 0,
        destination: record.detail,
        reversed: false,
        source_type: 'card',
        transfer_group: null,
      };
  }
}

function customer(cus: Customer): Json {
  if (cus.deleted) return { id: cus.id, object: 'customer', deleted: true };
  return {
    id: cus.id,
    object: 'customer',
    address: null,
    balance: cus.balance,
    created: cus.created,
    currency: null,
    default_source: null,
    delinquent: false,
    description: cus.description,
    email: cus.email,
    invoice_settings: { default_payment_method: null },
    livemode: false,
    metadata: cus.metadata,
    name: cus.name,
    phone: null,
    shipping: null,
  };
}

function paymentMethod(pm: PaymentMethod): Json {
  return {
    id: pm.id,
    object: 'payment_method',
    billing_details: { address: null, email: null, name: null, phone: null },
    card: { brand: 'visa', country: 'US', exp_month: 12, exp_year: 2034, last4: '4242' },
    created: pm.created,
    customer: pm.customer,
    livemode: false,
    metadata: pm.metadata,
    type: 'card',
  };
}

function setupIntent(seti: SetupIntent): Json {
  return {
    id: seti.id,
    object: 'setup_intent',
    client_secret: `${seti.id}_secret_${seti.id.slice(-12)}`,
    created: seti.created,
    customer: seti.customer,
    last_setup_error: null,
    livemode: false,
    metadata: seti.metadata,
    next_action:
      seti.status === 'requires_action' ? { type: 'use_stripe_sdk', use_stripe_sdk: {} } : null,
    payment_method: seti.paymentMethod,
    payment_method_types: ['card'],
    status: seti.status,
    usage: seti.usage,
  };
}

function balanceTransaction(cbtxn: BalanceTransaction): Json {
  return {
    id: cbtxn.id,
    object: 'customer_balance_transaction',
    amount: cbtxn.amount,
    created: cbtxn.created,
    currency: cbtxn.currency,
    customer: cbtxn.customer,
    description: cbtxn.description,
    ending_balance: cbtxn.endingBalance,
    livemode: false,
    metadata: cbtxn.metadata,
    type: 'adjustment',
  };
}
