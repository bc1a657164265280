/**
 * Guarantee: Keybrake and the vendor read the same path, however a client spells it.
 * What has two readings is refused and nothing of it reaches the vendor; what passes reaches it in
 * the form that was matched and priced. Over a real socket; the vendor's log is the truth.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pathsRead } from '../support/lenient.ts';
import { AMBIGUOUS, assertRefused, BODY, REFUSALS, wireStage } from '../support/wire.ts';

const wire = wireStage();
const { send, assertPassed } = wire;

/** Spellings of a path that some server between here and the books would take for it. */
function spellings(path: string): string[] {
  const last = path.lastIndexOf('/');
  const [above, leaf] = [path.slice(0, last), path.slice(last + 1)];
  return [
    ...[`${above}/./${leaf}`, `${above}/x/../${leaf}`, `${above}//${leaf}`, `/${path}`],
    ...[`${path}/`, `${path}//`, `${path}/.`, `${path}/x/..`, `/x/..${path}`, `/..${path}`],
    ...[`${above}/%2e/${leaf}`, `${above}/x/%2e%2e/${leaf}`, `${above}/x/%2E./${leaf}`],
    ...[`${above}%2f${leaf}`, `${above}%2F${leaf}`, `${above}%5c${leaf}`, `${above}\\${leaf}`],
    ...[`${above}/x/..%2f${leaf}`, `${above}/x%2f..%2f${leaf}`, `${above}/x/..\\${leaf}`],
    ...[`${above};x/${leaf}`, `${path};x=1`, `${path};`, `${above}/;/${leaf}`, `${path}%3bx`],
    ...[`${above}/%252e%252e/${leaf}`, `${above}%252f${leaf}`, `${path}%2500`, `${path}%25`],
    ...[`${above}/%c0%ae%c0%ae/${leaf}`, `${above}%c0%af${leaf}`, `${above}/%e0%80%ae/${leaf}`],
    ...[
      `${path}%00`,
      `${path}%00.json`,
      `${path}%0a`,
      `${path}%0d%0ax`,
      `${path}%09`,
      `${path}%7f`,
    ],
    ...[
      `${path}#`,
      `${path}#/x`,
      `${path}%23`,
      `${path}%3fx`,
      `${path}%`,
      `${path}%2`,
      `${path}%zz`,
    ],
    ...[`${path}"`, `${path}<x>`, `${path}{x}`, `${path}|`, `${path}^`, `${path}\``, `${path}[0]`],
    ...[`http://api.stripe.com${path}`, `https://api.stripe.com${path}`, `HTTP://x${path}`],
    ...[`//api.stripe.com${path}`, `/\\api.stripe.com${path}`, `api.stripe.com${path}`, `*`],
    ...[`${path.slice(1)}`, `?${path}`, `@x${path}`, `stripe:${path}`],
  ];
}

test('a path that some server may read otherwise is refused, and nothing reaches the vendor', async () => {
  for (const path of ['/v1/payment_intents', '/stripe/v1/payment_intents']) {
    for (const target of spellings(path)) {
      assertRefused(await send({ target }), target, AMBIGUOUS);
    }
  }
});

test('bytes that no request target may have are refused before anything is read', async () => {
  for (const char of [' ', '\t', '\0', '\x7f', '\xe9', '\xc0\xae', '\r']) {
    const target = `/v1/payment_intents${char}x`;
    assertRefused(await send({ target }), JSON.stringify(target), AMBIGUOUS);
  }
});

test('another case of a path is another path, which nobody knows', async () => {
  for (const target of ['/V1/payment_intents', '/v1/Payment_Intents', '/v1/PAYMENT_INTENTS']) {
    assertRefused(await send({ target }), target, ['endpoint_not_allowed', 'unpriced']);
    assertRefused(await send({ target, key: wire.narrow }), target, ['endpoint_not_allowed']);
  }
  for (const target of ['/Stripe/v1/payment_intents', '/STRIPE/v1/payment_intents']) {
    assertRefused(await send({ target }), target, ['endpoint_not_allowed', 'unpriced']);
  }
});

test('a path with escapes that mean themselves is sent as the one form that was matched', async () => {
  const sent: [target: string, canonical: string][] = [
    ['/v1/%70ayment_intents', '/v1/payment_intents'],
    ['/%76%31/payment%5fintents', '/v1/payment_intents'],
    ['/stripe/v1/payment%5Fintents', '/v1/payment_intents'],
    ['/%73tripe/v1/payment_intents', '/v1/payment_intents'],
  ];
  for (const [target, canonical] of sent) {
    for (const key of [wire.open, wire.narrow]) {
      const { received, row } = await assertPassed(await send({ target, key }), target);
      assert.equal(received.path, canonical);
      assert.equal(row.operation, 'payment_intents.create');
    }
  }
  const read: [target: string, canonical: string][] = [
    ['/v1/customers/cus%c3%a9', '/v1/customers/cus%C3%A9'],
    ['/v1/customers/cus_%7E%2d', '/v1/customers/cus_~-'],
    ['/v1/customers/cus%20x', '/v1/customers/cus%20x'],
  ];
  for (const [target, canonical] of read) {
    const outcome = await send({ method: 'GET', target, headers: [], body: '' });
    assert.equal((await assertPassed(outcome, target)).received.path, canonical);
  }
});

test('a key for creating payments reaches no capture, however it is spelled', async () => {
  const body = `${BODY}&confirm=true&payment_method=pm_card_visa&capture_method=manual`;
  const { answer } = await send({ body, key: wire.narrow });
  const { id, status } = answer.json as { id: string; status: string };
  assert.equal(status, 'requires_capture');

  const capture = `/v1/payment_intents/${id}/capture`;
  const codes = [...AMBIGUOUS, 'endpoint_not_allowed'];
  const further = [
    ...[capture, `/stripe${capture}`, `/v1/payment_intents/${id}`, `/v1/payment_intents/`],
    ...[`/v1/payment_intents/${id}/%63apture`, `/v1/payment%5fintents/${id}/capture`],
    ...[`/v1/payment_intents?/${id}/capture`, `/v1/payment_intents?id=${id}&action=capture`],
    ...[`/v1/payment_intents%3f/../${id}/capture`, `/v1/payment_intentsx`, `/v1/payment_intent`],
  ];
  for (const target of [...further, ...spellings(capture)]) {
    assertRefused(await send({ target, key: wire.narrow, body: '' }), target, codes);
  }
  for (const method of ['GET', 'DELETE', 'PUT', 'PATCH', 'post', 'POST1']) {
    assertRefused(await send({ method, key: wire.narrow, body: '' }), method, codes);
  }
  assert.equal(wire.server.sandbox.stripe.find('payment_intent', id)?.status, 'requires_capture');
});

test('any target that passes is the same path for every reader', async () => {
  const piece = fc.constantFrom(
    ...['/', '/', 'v1', 'payment_intents', 'customers', 'balance', 'cus_1', 'stripe', '.', '..'],
    ...['%2e', '%2f', '%5c', '%252e', '%70', '%c3%a9', '%c0%ae', '\\', ';', '?', '#', '//', '%00'],
    ...['~', '+', '@', ':', 'A', '%41', '%25', '*', 'expand[]=x', '%', ','],
  );
  const target = fc.array(piece, { maxLength: 9 }).map((pieces) => `/v1/${pieces.join('')}`);
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(target, async (target) => {
      const outcome = await send({ method: 'GET', target, key: wire.wide, headers: [], body: '' });
      if (outcome.reached.length === 0) return assertRefused(outcome, target, REFUSALS);
      const { received, row } = await assertPassed(outcome, target);
      passed++;
      const meant = decodeURIComponent(row.path);
      assert.deepEqual([...pathsRead(received.path)], [meant], target);
      assert.deepEqual(
        [...pathsRead(target.split('?', 1)[0]!.replace(/^\/stripe\//, '/'))],
        [meant],
      );
    }),
    { numRuns: 400, seed: 6, examples: [['/v1/balance'], ['/v1/customers/cus_1?expand[]=x']] },
  );
  assert.ok(passed > 20, `only ${passed} targets passed: the property says little`);
});
