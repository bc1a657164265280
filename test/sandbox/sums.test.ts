/**
 * Whatever the calls and their order: the totals are what the objects say, and no object gives more
 * than it had. Calls that the vendor refuses are part of the mixture.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { seededRandom } from '../../src/sandbox/faults.ts';
import type { StripeBooks } from '../../src/sandbox/stripe/books.ts';
import type { Bucket } from '../../src/sandbox/stripe/objects/kept.ts';
import {
  advanceInvoice,
  failPayout,
  failRefund,
  finishPayment,
  renewSubscription,
} from '../../src/sandbox/stripe/outside.ts';
import { type MoneyRecord, standing } from '../../src/sandbox/stripe/records.ts';
import { start } from './client.ts';

const NOW = Math.floor(Date.now() / 1000);
const KINDS: readonly MoneyRecord['object'][] = [
  'payment_intent',
  'charge',
  'refund',
  'payout',
  'topup',
  'transfer',
  'transfer_reversal',
  'application_fee',
  'fee_refund',
  'customer_balance_transaction',
  'invoice',
  'v2.money_management.outbound_payment',
  'v2.money_management.payout_intent',
];

for (const seed of [1, 2, 3]) {
  test(`after 600 calls of every kind, mixed by seed ${seed}`, async (t) => {
    const { sandbox, stripe } = await start(t);
    const random = seededRandom(seed);
    const actions = await actionsOn(stripe, sandbox.stripe, random);
    let refused = 0;
    for (let i = 0; i < 600; i++) {
      const action = actions[Math.floor(random() * actions.length)]!;
      await Promise.resolve()
        .then(action)
        .catch((error: Error & { statusCode?: number }) => {
          // The vendor's refusals and those of outside.ts; no fault of the sandbox itself.
          assert.notEqual(error.statusCode, 500, error.message);
          assert.ok(!(error instanceof TypeError), error.stack ?? '');
          refused++;
        });
    }
    assert.ok(refused < 480, `${refused} of 600 were refused`);
    assertSums(sandbox.stripe);
    assertNothingFromNothing(sandbox.stripe);
  });
}

function assertSums(books: StripeBooks): void {
  const sums = new Map<Bucket, bigint>();
  for (const kind of KINDS) {
    for (const record of books.all(kind)) {
      for (const [bucket, minor] of standing(record)) {
        sums.set(bucket, (sums.get(bucket) ?? 0n) + BigInt(minor));
      }
    }
  }
  assert.ok(sums.size > 10, `only ${[...sums.keys()]} had money`);
  for (const [bucket, sum] of sums) assert.equal(books.total(bucket), sum, bucket);
}

function assertNothingFromNothing(books: StripeBooks): void {
  const received = (ofCharge: string) =>
    books
      .all('refund')
      .filter(({ charge, status }) => charge === ofCharge && status !== 'failed')
      .reduce((sum, { amount }) => sum + amount, 0);
  for (const charge of books.all('charge')) {
    assert.equal(charge.amountRefunded, received(charge.id));
    assert.ok(charge.amountRefunded <= charge.amountCaptured, charge.id);
    assert.ok(charge.amountCaptured <= charge.amount, charge.id);
  }
  for (const transfer of books.all('transfer')) {
    const back = books.all('transfer_reversal').filter((one) => one.transfer === transfer.id);
    const sum = back.reduce((total, { amount }) => total + amount, 0);
    assert.equal(transfer.reversed, sum);
    assert.ok(sum <= transfer.amount);
  }
  for (const invoice of books.all('invoice')) {
    const payments = books.all('payment_intent').filter((pi) => pi.invoice === invoice.id);
    const paid = payments.reduce((sum, pi) => sum + pi.amountReceived, 0);
    assert.equal(invoice.amountPaid, paid, invoice.id);
  }
  for (const customer of books.all('customer')) {
    const entries = books
      .all('customer_balance_transaction')
      .filter((one) => one.customer === customer.id);
    const sum = entries.reduce((total, { amount }) => total + amount, 0);
    assert.equal(customer.balance, sum, customer.id);
  }
}

type Action = () => unknown;

async function actionsOn(
  stripe: Stripe,
  books: StripeBooks,
  random: () => number,
): Promise<Action[]> {
  const cents = (from = 50, to = 5000) => from + Math.floor(random() * (to - from));
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const some = (kind: MoneyRecord['object'] | 'subscription') =>
    pick(books.all(kind))?.id ?? 'none';
  const card = () =>
    pick([
      'pm_card_visa',
      'pm_card_visa',
      'pm_card_chargeDeclined',
      'pm_card_authenticationRequired',
      'pm_usBankAccount_success',
      'pm_card_pendingRefund',
    ]);
  const customer = () => pick(['cus_1', 'cus_2', 'cus_3']);
  const usd = { currency: 'usd' };
  const recurring = { interval: 'month' } as const;
  const prices = await Promise.all(
    [700, 1900].map((unit_amount) =>
      stripe.prices.create({ ...usd, unit_amount, recurring, product_data: { name: 'x' } }),
    ),
  );
  const price = () => pick(prices).id;
  const pay = (): Stripe.PaymentIntentCreateParams => ({
    ...usd,
    amount: cents(),
    payment_method: card(),
    confirm: random() < 0.8,
    capture_method: random() < 0.4 ? 'manual' : 'automatic',
    ...(random() < 0.2 && { application_fee_amount: 10, transfer_data: { destination: 'acct_1' } }),
  });
  return [
    () => stripe.paymentIntents.create(pay()),
    () => stripe.paymentIntents.create(pay()),
    () => stripe.paymentIntents.update(some('payment_intent'), { amount: cents() }),
    () => stripe.paymentIntents.confirm(some('payment_intent'), { payment_method: card() }),
    () => stripe.paymentIntents.confirm(some('payment_intent'), { amount_to_confirm: cents() }),
    () =>
      stripe.paymentIntents.capture(some('payment_intent'), {
        amount_to_capture: cents(1, 2000),
        final_capture: random() < 0.5,
      }),
    () => stripe.paymentIntents.cancel(some('payment_intent')),
    () => stripe.paymentIntents.incrementAuthorization(some('payment_intent'), { amount: cents() }),
    () => finishPayment(books, some('payment_intent'), pick(['succeeded', 'failed']), NOW),
    () => stripe.charges.create({ ...usd, amount: cents(), source: card(), capture: false }),
    () => stripe.charges.capture(some('charge'), { amount: cents() }),
    () => stripe.refunds.create({ charge: some('charge'), amount: cents(1, 3000) }),
    () => stripe.refunds.create({ payment_intent: some('payment_intent') }),
    () => failRefund(books, some('refund'), NOW),
    () => stripe.payouts.create({ ...usd, amount: cents() }),
    () => stripe.payouts.cancel(some('payout')),
    () => failPayout(books, some('payout'), NOW),
    () => stripe.topups.create({ ...usd, amount: cents() }),
    () => stripe.transfers.create({ ...usd, amount: cents(), destination: 'acct_1' }),
    () => stripe.transfers.createReversal(some('transfer'), { amount: cents(1, 900) }),
    () => stripe.applicationFees.createRefund(some('application_fee'), { amount: 4 }),
    () =>
      stripe.customers.createBalanceTransaction(customer(), {
        ...usd,
        amount: -cents(),
      }),
    () => stripe.invoiceItems.create({ customer: customer(), ...usd, amount: cents() }),
    () =>
      stripe.invoices.create({
        customer: customer(),
        auto_advance: random() < 0.3,
        pending_invoice_items_behavior: 'include',
      }),
    () =>
      stripe.invoices.addLines(some('invoice'), { lines: [{ amount: cents(), description: 'x' }] }),
    () => stripe.invoices.finalizeInvoice(some('invoice')),
    () => stripe.invoices.pay(some('invoice'), { payment_method: card() }),
    () => stripe.invoices.pay(some('invoice'), { payment_method: 'pm_card_visa' }),
    () => stripe.invoices.voidInvoice(some('invoice')),
    () => stripe.invoices.markUncollectible(some('invoice')),
    () => advanceInvoice(books, some('invoice'), NOW, card()),
    () => {
      const amount = cents(1, 900);
      const how = pick(['refund_amount', 'credit_amount', 'out_of_band_amount'] as const);
      return stripe.creditNotes.create({ invoice: some('invoice'), amount, [how]: amount });
    },
    () => stripe.creditNotes.create({ invoice: some('invoice'), amount: cents(1, 900) }),
    () =>
      stripe.subscriptions.create({
        customer: customer(),
        items: [{ price: price() }],
        default_payment_method: card(),
        payment_behavior: pick(['allow_incomplete', 'default_incomplete', 'error_if_incomplete']),
      }),
    () =>
      stripe.subscriptions.update(some('subscription'), {
        items: [{ price: price(), quantity: 2 }],
        proration_behavior: pick(['always_invoice', 'create_prorations', 'none']),
      }),
    () => renewSubscription(books, some('subscription'), NOW),
    () => stripe.subscriptions.cancel(some('subscription'), { prorate: true, invoice_now: true }),
    () =>
      stripe.v2.moneyManagement.payoutIntents.create({
        amount: { value: cents(), currency: 'usd' },
        from: { financial_account: 'fa_1', currency: 'usd' },
        to: { recipient: 'acct_1', payout_method: 'usba_1' },
        confirmation_method: random() < 0.5 ? 'manual' : 'automatic',
      }),
  ];
}
