import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ParamRule } from '../../src/ledger/ledger.ts';
import { brokenRule } from '../../src/proxy/rules.ts';
import { readJsonBody } from '../../src/vendors/json-body.ts';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import { isRefusal, type OperationClass } from '../../src/vendors/vendor.ts';
import { DOLLARS, request } from '../vendors/stripe-requests.ts';

/** The message for fields as a vendor that takes JSON gives them. */
function brokenBy(
  rules: Record<string, ParamRule>,
  body: unknown,
  operation = 'emails.send',
  made: OperationClass = 'priced',
): string | null {
  const read = readJsonBody({
    headers: new Map([['content-type', 'application/json']]),
    body: Buffer.from(JSON.stringify(body)),
  });
  assert.ok(!('code' in read));
  const reading = stripe.read(request('GET', '/v1/balance'), DOLLARS);
  assert.ok(!isRefusal(reading));
  const { fields } = read;
  return brokenRule(rules, { ...reading, fields, operation, class: made })?.message ?? null;
}

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

test('a rule on a list holds each of its elements, by whichever number', () => {
  const rules = { to: { in: ['a@a.io', 'b@a.io'] } };
  for (const to of ['a@a.io', ['a@a.io'], ['a@a.io', 'b@a.io', 'a@a.io']]) {
    assert.equal(brokenBy(rules, { to }), null, JSON.stringify(to));
  }
  const many = [...Array<string>(49).fill('a@a.io'), 'c@a.io'];
  for (const to of ['c@a.io', ['c@a.io'], ['a@a.io', 'c@a.io'], many, [], {}, null, [['a@a.io']]]) {
    assert.notEqual(brokenBy(rules, { to }), null, JSON.stringify(to));
  }
  assert.notEqual(brokenBy(rules, { to: [{ email: 'a@a.io' }] }), null, 'nothing hides below it');
  assert.notEqual(brokenBy(rules, { to: { email: 'c@a.io' } }, 'emails.update', 'free'), null);
  assert.equal(brokenBy(rules, { to: 'a@a.io', total: ['c@a.io'] }), null, 'a whole name');
  const form = { payment_method_types: { in: ['card'] } };
  assert.equal(broken(form, `${PAY}&payment_method_types[]=card`), null);
  assert.notEqual(broken(form, `${PAY}&payment_method_types[7]=crypto`), null);
  assert.notEqual(broken(form, `${PAY}&payment_method_types[a]=card`), null);
});

test('`[*]` stands for every element on the way to a field', () => {
  const rules = { 'personalizations[*][to][*][email]': { in: ['a@a.io'] } };
  const mail = (...groups: string[][]) => ({
    personalizations: groups.map((emails) => ({ to: emails.map((email) => ({ email })) })),
  });
  assert.equal(brokenBy(rules, mail(['a@a.io'], ['a@a.io', 'a@a.io'])), null);
  assert.notEqual(brokenBy(rules, mail(['a@a.io'], ['a@a.io', 'b@a.io'])), null);
  assert.match(
    brokenBy(rules, { personalizations: [{ cc: [] }] })!,
    /does not say personalizations/,
  );
  const batch = { '[*][to]': { in: ['a@a.io'] } };
  assert.equal(brokenBy(batch, [{ to: 'a@a.io' }, { to: ['a@a.io'] }]), null);
  assert.notEqual(brokenBy(batch, [{ to: 'a@a.io' }, { to: ['b@a.io'] }]), null);
  const items = { 'items[*][price]': { in: ['p_1'] } };
  assert.notEqual(broken(items, `${PAY}&items[x][price]=p_2`), null, 'also where it has a name');
  assert.notEqual(broken(items, `${PAY}&items[*][price]=p_1&items[0][price]=p_2`), null);
});

test('`prefix` holds the beginning of the value', () => {
  const rules = { To: { prefix: ['+1', '+44'] } };
  for (const To of ['+15551234567', '+441632960000', '+1']) {
    assert.equal(brokenBy(rules, { To }), null, To);
  }
  for (const To of ['+33123456789', '15551234567', ' +15551234567', '', '00441632']) {
    assert.match(brokenBy(rules, { To })!, /To that begins with \[\+1, \+44\], not/, To);
  }
  assert.equal(brokenBy(rules, { To: ['+1555', '+4416'] }), null);
  assert.notEqual(brokenBy(rules, { To: ['+1555', '+3316'] }), null);
});

test('`domain` holds the address, with or without a name, to its domain', () => {
  const rules = { to: { domain: ['shop.example', '*.mail.example', 'k.example'] } };
  const good = [
    ...['a@shop.example', 'A.B+c@SHOP.example', 'Ann <a@shop.example>', '<a@shop.example>'],
    ...[
      '"Doe, Ann" <a@shop.example>',
      'a@eu.mail.example',
      'a@x.eu.mail.example',
      'É <a@shop.example>',
    ],
  ];
  for (const to of good) assert.equal(brokenBy(rules, { to }), null, to);
  const bad = [
    ...['a@mail.example', 'a@evil.example', 'a@shop.example.evil.io', 'a@notshop.example'],
    ...['a@evilmail.example', 'a@sub.shop.example', 'a', '@shop.example', '', 'shop.example'],
    // of two readings
    ...['a@shop.example, b@evil.io', 'b@evil.io,a@shop.example', 'b@evil.io a@shop.example'],
    ...[
      'b@evil.io <a@shop.example>',
      '"b@evil.io" <a@shop.example>',
      'x <b@evil.io> <a@shop.example>',
    ],
    ...['b@evil.io;a@shop.example', 'g: b@evil.io;<a@shop.example>', 'a@evil.io(@shop.example'],
    ...[
      'a@\u212a.example',
      'a@shop.example@evil.io',
      'a@evil.io@shop.example',
      '"a@evil.io"@shop.example',
      'b%evil.io@shop.example',
    ],
    ...['evil.io!b@shop.example', '@evil.io:a@shop.example', 'a@shop.example\nbcc: b@evil.io'],
    ...[
      'a@shop.example\u0000.evil.io',
      'a@\u017fhop.example',
      'a@shop\u3002example',
      'a@shop.example.',
    ],
    ...['a@[10.0.0.1]', 'Ann <a@shop.example> x', 'Doe, Ann <a@shop.example>', 'a @shop.example'],
  ];
  for (const to of bad) assert.notEqual(brokenBy(rules, { to }), null, to);
  assert.notEqual(brokenBy(rules, { to: ['a@shop.example', 'b@evil.io'] }), null);
});

test('what creates or sends must say a field that is held to values, also where the key prices it', () => {
  for (const rule of [{ in: ['a'] }, { prefix: ['a'] }, { domain: ['a.io'] }]) {
    for (const operation of ['emails.send', 'messages.create']) {
      assert.match(brokenBy({ to: rule }, { x: 1 }, operation)!, /does not say to/);
      assert.match(brokenBy({ to: rule }, { x: 1 }, operation, 'unpriced')!, /does not say to/);
      assert.equal(brokenBy({ to: rule }, { x: 1 }, operation, 'free'), null);
    }
    assert.equal(brokenBy({ to: rule }, { x: 1 }, 'emails.cancel'), null);
  }
  assert.equal(brokenBy({ n: { max: 5 } }, { x: 1 }), null, 'a bound asks for nothing');
});
