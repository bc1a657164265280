/**
 * Stripe's error shape in the mouth of a gateway, and the cards with which a fault can be tried by
 * hand. None of it is Stripe's own answer: that is stripe.ts.
 */
import type { Fault } from '../faults.ts';
import type { Gateway } from '../vendor.ts';

/**
 * Cards for trying faults by hand, where no test holds the switch. They pay first and strike only
 * the call that executes, so that a retry with the same idempotency key finds the payment.
 */
const CARDS: readonly [string, Fault][] = [
  ['pm_card_sandboxHangup', { kind: 'hangup', at: 'after' }],
  ['pm_card_sandboxStall', { kind: 'stall', at: 'after' }],
  ['pm_card_sandboxSlow', { kind: 'delay', delayMs: 5000 }],
  ['pm_card_sandbox503', { kind: 'status', status: 503, executes: true }],
  ['pm_card_sandbox500', { kind: 'status', status: 500, executes: true, stored: true }],
];

export const stripeGateway: Gateway = {
  refuse(status) {
    const error = {
      type: status >= 500 ? 'api_error' : 'invalid_request_error',
      ...(status === 429 && { code: 'rate_limit' }),
      message: `The sandbox was asked to answer ${status}.`,
    };
    return {
      headers: status === 429 ? ['Stripe-Rate-Limited-Reason', 'global-rate'] : [],
      body: JSON.stringify({ error }),
    };
  },
  wrongType: '{"id":42,"object":"payment_intent","amount":"much","status":["succeeded"]}',
  faultIn(body) {
    if (!body.includes('pm_card_sandbox')) return undefined;
    return CARDS.find(([card]) => body.includes(card))?.[1];
  },
};
