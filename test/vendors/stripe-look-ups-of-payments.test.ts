/** What a step of a payment, a refund or a reversal costs, by what Stripe shows of its object. */
import { test } from 'node:test';
import { assertRows } from './stripe-look-ups.ts';
import { charge, intent, paid } from './stripe-objects.ts';
import { PI } from './stripe-requests.ts';

const usd = { currency: 'usd' };

test('a step of a payment that nobody here saw is priced by the payment itself', () => {
  const at = `GET ${PI}/pi_1`;
  const manual = intent('requires_capture', { amount_capturable: 2900, latest_charge: 'ch_1' });
  const partly = { ...manual, amount_received: 1400, amount_capturable: 1500 };
  const open = 'pi_1 open 2900 - -';
  const chargeAt = 'GET /v1/charges/ch_1?expand[0]=payment_intent';
  assertRows([
    [
      ['POST', `${PI}/pi_1/confirm`],
      [intent('requires_confirmation')],
      [at],
      'object pi_1 amount',
      [open],
    ],
    [
      ['POST', `${PI}/pi_1/confirm`, 'amount_to_confirm=500'],
      [intent('requires_confirmation')],
      [at],
      'object pi_1 amount 500',
      [open],
    ],
    [
      ['POST', `${PI}/pi_1/capture`, 'amount_to_capture=500'],
      [manual],
      [at],
      'object pi_1 amount 500',
      ['pi_1=ch_1 open 2900 - -'],
    ],
    // A last part comes on top of those before it.
    [
      ['POST', `${PI}/pi_1/capture`, 'amount_to_capture=500'],
      [partly],
      [at],
      'object pi_1 amount 1900',
      ['pi_1=ch_1 open 2900 1400 -'],
    ],
    [
      ['POST', `${PI}/pi_1/capture`, 'amount_to_capture=500&final_capture=false'],
      [partly],
      [at],
      'object pi_1 amount',
      ['pi_1=ch_1 open 2900 1400 -'],
    ],
    [
      ['POST', `${PI}/pi_1/increment_authorization`, 'amount=3500'],
      [manual],
      [at],
      'object pi_1 amount 3500',
      ['pi_1=ch_1 open 2900 - -'],
    ],
    [
      ['POST', `${PI}/pi_1`, 'amount=3500'],
      [intent('requires_confirmation')],
      [at],
      'object pi_1 amount 3500',
      [open],
    ],
    [
      ['POST', `${PI}/pi_1/apply_customer_balance`],
      [intent('requires_action')],
      [at],
      'object pi_1 amount',
      [open],
    ],
    [
      ['POST', '/v1/terminal/readers/tmr_1/process_payment_intent', 'payment_intent=pi_1'],
      [intent('requires_payment_method')],
      [at],
      'object pi_1 amount',
      [open],
    ],
    // A charge of its own, and one of a PaymentIntent's, which then is the object that counts.
    [
      ['POST', '/v1/charges/ch_1/capture', 'amount=500'],
      [charge({ captured: false, amount_captured: 0 })],
      [chargeAt],
      'object ch_1 amount 500',
      ['ch_1 open 2900 - -'],
    ],
    [
      ['POST', '/v1/charges/ch_1/capture'],
      [charge({ captured: false, amount_captured: 0, payment_intent: manual })],
      [chargeAt],
      'object ch_1 amount',
      ['pi_1=ch_1 open 2900 - -'],
    ],
    [
      ['POST', '/v1/charges/ch_1/capture'],
      [charge({ captured: false, amount_captured: 0, payment_intent: 'pi_1' }), manual],
      [chargeAt, `${at}?expand[0]=latest_charge`],
      'object ch_1 amount',
      ['pi_1=ch_1 open 2900 - -'],
    ],
  ]);
});

test('a change of a payment’s currency is priced in the new one, and one to the same as a raise', () => {
  const at = `GET ${PI}/pi_1`;
  const yen = intent('requires_confirmation', { currency: 'jpy', amount: 2900 });
  assertRows([
    [['POST', `${PI}/pi_1`, 'currency=usd'], [yen], [at], 'bounded 2900'],
    [['POST', `${PI}/pi_1`, 'currency=usd&amount=500'], [yen], [at], 'bounded 500'],
    [
      ['POST', `${PI}/pi_1`, 'currency=USD&amount=3500'],
      [intent('requires_confirmation')],
      [at],
      'object pi_1 amount 3500',
      ['pi_1 open 2900 - -'],
    ],
  ]);
});

test('a refund is priced by what was received and not yet given back, also past Keybrake', () => {
  const byIntent = `GET ${PI}/pi_1?expand[0]=latest_charge`;
  const byCharge = 'GET /v1/charges/ch_1?expand[0]=payment_intent';
  const refunds = (fields: string) => ['POST', '/v1/refunds', fields] as const;
  const shows = (more: object) => ({
    ...paid,
    latest_charge: charge({ payment_intent: 'pi_1', ...more }),
  });
  const known = ['pi_1=ch_1 final 2900 2900 700'];
  assertRows([
    [
      refunds('payment_intent=pi_1'),
      [shows({ amount_refunded: 700 })],
      [byIntent],
      'object pi_1 refundable',
      known,
    ],
    [
      refunds('payment_intent=pi_1&amount=500'),
      [shows({ amount_refunded: 700 })],
      [byIntent],
      'object pi_1 refundable 500',
      known,
    ],
    [
      refunds('charge=ch_1'),
      [charge({ payment_intent: { ...paid, latest_charge: 'ch_1' }, amount_refunded: 700 })],
      [byCharge],
      'object ch_1 refundable',
      known,
    ],
    [
      refunds('charge=ch_1'),
      [charge({ amount_refunded: 700 })],
      [byCharge],
      'object ch_1 refundable',
      ['ch_1 final 2900 2900 700'],
    ],
    [
      ['POST', '/v1/terminal/readers/tmr_1/refund_payment', 'payment_intent=pi_1'],
      [shows({ amount_refunded: 700 })],
      [byIntent],
      'object pi_1 refundable',
      known,
    ],
    // Versions before 2022-11-15 cannot expand it, and show it unasked.
    [
      refunds('payment_intent=pi_1'),
      [
        [400, { error: { message: 'This property cannot be expanded (latest_charge).' } }],
        {
          ...paid,
          latest_charge: undefined,
          charges: { data: [charge({ amount_refunded: 700 })] },
        },
      ],
      [byIntent, `GET ${PI}/pi_1`],
      'object pi_1 refundable',
      known,
    ],
    // Versions before 2025-03-31 call what a partial capture let go a refund.
    [
      refunds('charge=ch_1'),
      [charge({ amount_captured: 1000, amount_refunded: 1900 })],
      [byCharge],
      'object ch_1 refundable',
      ['ch_1 final 2900 1000 0'],
    ],
    [
      refunds('charge=ch_1'),
      [charge({ amount_captured: 1000, amount_refunded: 2300 })],
      [byCharge],
      'object ch_1 refundable',
      ['ch_1 final 2900 1000 400'],
    ],
  ]);
});

test('reversals cost what is left of transfer, fee or payout', () => {
  const transfer = { id: 'tr_1', object: 'transfer', amount: 2900, amount_reversed: 400, ...usd };
  const fee = { id: 'fee_1', object: 'application_fee', amount: 300, amount_refunded: 100, ...usd };
  const payout = (status: string, more = {}) => {
    return { id: 'po_1', object: 'payout', amount: 2900, status, ...usd, ...more };
  };
  const at = ['GET /v1/payouts/po_1'];
  assertRows([
    [
      ['POST', '/v1/transfers/tr_1/reversals'],
      [transfer],
      ['GET /v1/transfers/tr_1'],
      'object tr_1 refundable',
      ['tr_1 final 2900 2900 400'],
    ],
    [
      ['POST', '/v1/application_fees/fee_1/refunds', 'amount=50'],
      [fee],
      ['GET /v1/application_fees/fee_1'],
      'object fee_1 refundable 50',
      ['fee_1 final 300 300 100'],
    ],
    [
      ['POST', '/v1/payouts/po_1/reverse'],
      [payout('paid')],
      at,
      'object po_1 refundable',
      ['po_1 final 2900 2900 0'],
    ],
    [
      ['POST', '/v1/payouts/po_1/reverse'],
      [payout('paid', { reversed_by: 'po_2' })],
      at,
      'object po_1 refundable',
      ['po_1 final 2900 2900 2900'],
    ],
    [['POST', '/v1/payouts/po_1/reverse'], [payout('in_transit')], at, 'exact 2900'],
    [
      ['POST', '/v1/transfers', 'currency=usd&source_transaction=ch_1&destination=acct_1'],
      [charge()],
      ['GET /v1/charges/ch_1'],
      'bounded 2900',
    ],
    [
      ['POST', '/v1/treasury/credit_reversals', 'received_credit=rc_1'],
      [{ id: 'rc_1', object: 'treasury.received_credit', amount: 700, ...usd }],
      ['GET /v1/treasury/received_credits/rc_1'],
      'exact 700',
    ],
  ]);
});
