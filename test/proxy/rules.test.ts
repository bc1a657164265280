import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ParamRule } from '../../src/ledger/ledger.ts';
import { brokenRule } from '../../src/proxy/rules.ts';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import { isRefusal } from '../../src/vendors/vendor.ts';
import { DOLLARS, request } from '../vendors/stripe-requests.ts';

/** The refusal's message for a real request, or null when the rules allow it. */
function broken(
  rules: Record<string, ParamRule>,
  body: string,
  path = '/v1/payment_intents',
): string | null {
  const reading = stripe.read(request('POST', path, body), DOLLARS);
  assert.ok(!isRefusal(reading), body);
  const refused = brokenRule(rules, reading);
  if (refused) assert.equal(refused.code, 'scope_not_allowed');
  return refused?.message ?? null;
}

const PAY = 'amount=5000&currency=usd';

test('a value outside of `in` is refused, and the message shows both', () => {
  const rules = { currency: { in: ['usd', 'cad'] } };
  assert.equal(broken(rules, PAY), null);
  assert.match(broken(rules, 'amount=1&currency=eur')!, /currency in \[usd, cad\], not "eur"/);
});

test('`in` compares the whole value, to the letter', () => {
  const rules = { customer: { in: ['cus_1'] } };
  assert.equal(broken(rules, `${PAY}&customer=cus_1`), null);
  for (const customer of ['cus_2', 'cus_11', 'cus_', 'CUS_1', 'cus_1 ', '', 'cus_1,cus_2']) {
    assert.notEqual(
      broken(rules, `${PAY}&customer=${encodeURIComponent(customer)}`),
      null,
      customer,
    );
  }
});

test('a call that creates must say a field that has an `in` rule', () => {
  const rules = { customer: { in: ['cus_1'] } };
  assert.match(broken(rules, PAY)!, /does not say customer/);
  assert.match(broken(rules, `${PAY}&metadata[customer]=cus_1`)!, /does not say customer/);
  assert.equal(broken(rules, '', '/v1/payment_intents/pi_1/confirm'), null);
});

test('bounds hold at both ends, and what is no plain number is outside of them', () => {
  const rules = { amount: { min: 100, max: 5_000 } };
  for (const amount of [100, 101, 5_000]) {
    assert.equal(broken(rules, `amount=${amount}&currency=usd`), null, String(amount));
  }
  for (const amount of [0, 99, 5_001, 999_999_999_999]) {
    assert.notEqual(broken(rules, `amount=${amount}&currency=usd`), null, String(amount));
  }
  const quantity = { 'metadata[n]': { max: 5 } };
  for (const text of ['6', '1e9', '0x9', '', 'NaN', '9'.repeat(20), '５', ' 5', '5.0']) {
    const body = `${PAY}&metadata[n]=${encodeURIComponent(text)}`;
    assert.notEqual(broken(quantity, body), null, text);
  }
  assert.equal(broken(quantity, `${PAY}&metadata[n]=-7`), null);
});

test('nested fields and list elements have names of their own', () => {
  const rules = { 'payment_method_types[0]': { in: ['card'] } };
  assert.equal(broken(rules, `${PAY}&payment_method_types[]=card`), null);
  assert.equal(broken(rules, `${PAY}&payment_method_types[0]=card`), null);
  assert.notEqual(broken(rules, `${PAY}&payment_method_types[]=crypto`), null);
});

test('every rule must hold, and a long value is not repeated whole', () => {
  const rules = { currency: { in: ['usd'] }, amount: { max: 10 } };
  assert.match(broken(rules, PAY)!, /amount up to 10, not 5000/);
  const long = broken({ description: { in: ['x'] } }, `${PAY}&description=${'y'.repeat(5_000)}`)!;
  assert.ok(long.length < 250);
});
