/**
 * Guarantee: Keybrake and the vendor read the same fields and the same amount, whatever a client
 * writes.
 * What has two readings is refused and nothing of it reaches the vendor; what passes reaches it in
 * the form that was matched and priced. Over a real socket; the vendor's log is the truth.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { amountsRead } from '../support/lenient.ts';
import { AMBIGUOUS, assertRefused, BODY, REFUSALS, wireStage } from '../support/wire.ts';

const wire = wireStage();
const { send, assertPassed } = wire;

test('a parameter that is given twice, or in a second place, is refused', async () => {
  const bodies = [
    ...['amount=100&amount=5', 'amount=100&amount=100', 'amount=100&amount[]=5'],
    ...['amount[]=100', 'amount[0]=100', 'amount[a]=100', 'amount[][]=100', 'amount%5B%5D=100'],
    ...['[amount]=100', 'amount]=100', '[]amount=100', ' amount=100', 'amount =100', '+amount=100'],
    ...['%20amount=100', 'amount%20=100', 'amount%00=100', 'amount%00x=100', '%00amount=100'],
    ...['amount%0a=100', 'amount=100&AMOUNT=5', 'amount=100&Amount=5', 'amount=100&%61mount=5'],
    ...['amount=100&%2561mount=5', 'amount=100&amount%5B%5D=5', 'amount=100&amount%255B%255D=5'],
    ...[
      'amount=100&[amount]=5',
      'amount=100&amount]=5',
      'amount=100& amount=5',
      'amount=100&amount',
    ],
    ...['amount=100&_amount=5', 'amount=100&a=1;amount=5', 'amount=100;amount=5', 'amount=100&'],
    ...[
      'amount=100&&x=1',
      '&amount=100',
      'amount=100&=5',
      'amount=100&=',
      'amount=100&\r\namount=5',
    ],
    ...['amount=100&ａmount=5', 'amount=100&%ef%bd%81mount=5', 'amount=100&amount.x=5'],
    ...['amount=100&amount_to_capture=5', 'amount=100&amount_to_confirm=5'],
    ...['amount=100&x=%ff', 'amount=100&%ff=1', 'amount=100&x=%', 'amount=100&x=%c0%af'],
    ...['amount=100&x=\xff', '\xef\xbb\xbfamount=100', 'amount=100&x[=1', 'amount=100&x]=1'],
    ...['amount=100&x[a]=1&x[]=2', 'amount=100&x=1&x[a]=2', 'amount=100&x[]=1&x[0]=2'],
    ...['amount=100&currency=eur', 'amount=100&currency[]=usd', 'amount=100&_method=DELETE'],
    ...['amount=100&key=sk_live_x', 'amount=100&_stripe_account=acct_1'],
    `amount=100&${'[a]'.repeat(40)}=1`,
    `amount=100&${Array.from({ length: 1100 }, (_, i) => `m[${i}]=`).join('&')}`,
  ];
  for (const start of bodies) {
    const body = `${start}&currency=usd`;
    assertRefused(await send({ body }), start, AMBIGUOUS);
  }
});

test('an amount in any but the one plain spelling is refused', async () => {
  const amounts = [
    ...[
      '1e3',
      '1E3',
      '1.0',
      '1.5',
      '.5',
      '+5',
      '-5',
      '-0',
      '--5',
      '0x10',
      '0b1',
      '0o7',
      '0100',
      '00',
    ],
    ...[
      '1_000',
      '1,000',
      '1 000',
      ' 100',
      '100 ',
      '%20100',
      '100%20',
      '100%0a',
      '100%00',
      '%09100',
    ],
    ...['%EF%BC%90', '%D9%A1', '１００', '100%C2%A0', 'NaN', 'Infinity', '1n', 'true', '"100"', ''],
    ...['%2531', '100%', '9999999999999', '99999999999999999999', '1e400', '$100', '100usd', '½'],
  ];
  for (const amount of amounts) {
    const body = `amount=${amount}&currency=usd`;
    assertRefused(await send({ body: Buffer.from(body).toString('latin1') }), body, AMBIGUOUS);
  }
  for (const currency of ['us', 'usdx', 'usd ', ' usd', 'u%00d', '%75%73%64%00', 'ＵＳＤ', '$']) {
    const body = `amount=100&currency=${currency}`;
    assertRefused(await send({ body: Buffer.from(body).toString('latin1') }), body, AMBIGUOUS);
  }
});

test('a POST says nothing in its query but what the reply is to show', async () => {
  const queries = [
    ...[
      'amount=5',
      'amount[]=5',
      '%61mount=5',
      'currency=usd',
      'x=1',
      'expand=x&amount=5',
      'expand',
    ],
    ...['expand[]=x&amount=5', 'expand[]=x;amount=5', 'expand[]=x&expand[]=y&AMOUNT=5', 'a?b=1'],
    ...['expand%5B%5D=x&%2561mount=5', 'payment_method=pm_card_visa', 'confirm=true', '&', '?'],
  ];
  for (const query of queries) {
    for (const body of [BODY, '']) {
      const target = `/v1/payment_intents?${query}`;
      assertRefused(await send({ target, body }), `${query} + ${body}`, AMBIGUOUS);
    }
  }
  const target = '/v1/payment_intents?expand[]=customer&expand%5B%5D=latest_charge';
  const { received, row } = await assertPassed(await send({ target }), target);
  assert.equal(received.query, 'expand[]=customer&expand%5B%5D=latest_charge');
  assert.equal(row.amount, 100);
});

test('any fields that pass are the same amount for every reader', async () => {
  const name = fc.constantFrom(
    ...['amount', 'amount', 'currency', 'Amount', 'amount[]', '[amount]', 'amount]', '%61mount'],
    ...['%2561mount', ' amount', '+amount', 'amount%00', 'metadata[amount]', 'metadata[a]'],
    ...['description', 'expand[]', 'transfer_data[amount]', 'amount%5B0%5D', 'x[amount', ''],
  );
  const value = fc.constantFrom(
    ...['100', '100', '200', '5', '05', '1e3', '%31', '%2531', '+7', ' 7', '7%00', '0x7', 'usd'],
    ...['usd', '%26amount%3D5', '%3Bamount=5', 'x', '', '-1', '１'],
  );
  const harmless = fc.constantFrom(
    ...['metadata[amount]=5', 'description=%26amount%3D5', 'transfer_data[amount]=7', 'expand[]=x'],
    ...['description=amount', 'statement_descriptor=%3Bamount%3D5', 'metadata[x]=%2526amount%3D5'],
  );
  const any = fc.tuple(name, value).map(([name, value]) => `${name}=${value}`);
  const pair = fc.oneof({ weight: 2, arbitrary: harmless }, any);
  const fields = fc
    .tuple(fc.array(pair, { maxLength: 4 }), fc.constantFrom('&', '&', '&', ';', '&&'))
    .map(([pairs, separator]) => pairs.join(separator));
  const good = fc.constant('amount=100&currency=usd');
  const body = fc
    .tuple(fc.boolean(), good, fields)
    .map(([whole, start, more]) => (whole ? (more === '' ? start : `${start}&${more}`) : more))
    .map((text) => Buffer.from(text).toString('latin1'));
  const query = fc.constantFrom('', '', '', 'expand[]=x', 'amount=5');
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(query, body, async (query, body) => {
      const target = `/v1/payment_intents${query && '?'}${query}`;
      const outcome = await send({ target, body });
      const what = `${query} + ${body}`;
      if (outcome.reached.length === 0) return assertRefused(outcome, what, REFUSALS);
      const { received, row } = await assertPassed(outcome, what);
      passed++;
      assert.equal(row.operation, 'payment_intents.create');
      const read = amountsRead(received.query, received.body!);
      assert.deepEqual([...read], [String(row.amount)], what);
    }),
    {
      numRuns: 500,
      seed: 6,
      examples: [
        ['', BODY],
        ['expand[]=x', `${BODY}&description=%26amount%3D5`],
      ],
    },
  );
  assert.ok(passed > 50, `only ${passed} bodies passed: the property says little`);
});
