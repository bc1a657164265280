/** Refusals as Twilio's SDKs read them: what they depend on is that the body is Twilio's shape. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CATALOGUE, type ErrorCode, refusal } from '../../src/errors.ts';
import { CODES } from '../../src/vendors/twilio/error-shape.ts';
import { twilio } from '../../src/vendors/twilio/twilio.ts';

const bodyOf = (code: ErrorCode) =>
  JSON.parse(twilio.renderRefusal(refusal(code, 'Why.'), 'call_1').body);

test('every refusal has a code of its own, and none that Twilio uses', () => {
  const codes = Object.values(CODES);
  assert.equal(new Set(codes).size, codes.length);
  for (const code of Object.keys(CATALOGUE) as ErrorCode[]) {
    const body = bodyOf(code);
    assert.match(`${body.code}`, /^79\d{3}$/);
    assert.equal(body.status, CATALOGUE[code].status);
    assert.equal(body.details.code, code);
  }
  assert.equal(CODES.cap_exceeded, 79429);
});

test('the page of the vendor names each code', () => {
  const page = readFileSync(new URL('../../docs/vendors/twilio.md', import.meta.url), 'utf8');
  for (const [code, number] of Object.entries(CODES)) {
    assert.match(page, new RegExp(`\\b${number}\\b[^\\n]*\`${code}\``), code);
  }
});

test('the amounts of a cap are in the details, exactly, and the message says them', () => {
  const cap = {
    kind: 'total',
    keyId: 7n,
    cap: 1_000_000n,
    spent: 990_000n,
    held: 0n,
    needed: 14_500n,
  } as const;
  const told = { ...refusal('cap_exceeded', 'This call needs 0.0145 USD; 0.01 is left.'), cap };
  const { headers, body } = twilio.renderRefusal(told, 'call_0ab');
  const { details, message } = JSON.parse(body);
  assert.match(message, /0\.0145 USD/);
  assert.equal(details.call_id, 'call_0ab');
  assert.deepEqual(
    [
      details.cap_usd,
      details.spent_usd,
      details.held_usd,
      details.needed_usd,
      details.remaining_usd,
    ],
    ['1.00', '0.99', '0.00', '0.0145', '0.01'],
  );
  assert.equal(headers['twilio-request-id'], 'RQkeybrake0ab');
  // With type, title and detail the SDKs would raise another exception, without the details.
  assert.deepEqual(Object.keys(JSON.parse(body)).sort(), [
    'code',
    'details',
    'message',
    'more_info',
    'status',
  ]);
});
