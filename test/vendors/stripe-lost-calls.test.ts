/**
 * Calls to the sandbox's Stripe whose answers are lost, and what looking for them over real HTTP
 * finds: compared with what that Stripe says it moved.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Upstream } from '../../src/proxy/forward.ts';
import { lookUp } from '../../src/proxy/look-up.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { Secret } from '../../src/seal.ts';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import type { Investigation, OpenCall, VendorReply } from '../../src/vendors/vendor.ts';
import { raw } from '../sandbox/client.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { held, lost, lostOn, MINUTE, SECOND } from './stripe-open-calls.ts';
import { DOLLARS, PI } from './stripe-requests.ts';

const PAYING = 'amount=2900&currency=usd&confirm=true&payment_method=pm_card_visa';

interface Scene {
  sandbox: Sandbox;
  clock: ManualClock;
  /** Sends the call and loses its answer, `before` or `after` it was carried out. */
  lose(path: string, body: string, at: 'before' | 'after', headers?: object): Promise<void>;
  /** Sends it, and gives the answer's object. */
  send(path: string, body: string): Promise<{ id: string; status: string }>;
  look(call: OpenCall): Promise<Investigation | null>;
}

async function start(t: TestContext): Promise<Scene> {
  const clock = manualClock();
  const sandbox = await startSandbox({ clock });
  const upstream = new Upstream();
  t.after(async () => {
    await upstream.close();
    await sandbox.close();
  });
  const account = {
    ...{ vendor: 'stripe', account: 'default', createdAt: 0, rotatedAt: null, builtIn: true },
    ...{ baseUrl: sandbox.stripeUrl, credentials: { secret: new Secret(sandbox.secret) } },
  };
  return {
    sandbox,
    clock,
    async lose(path, body, at, headers = {}) {
      sandbox.faults.next({ do: { kind: 'hangup', at } });
      const keyed = { 'idempotency-key': 'run-7', ...headers };
      await assert.rejects(raw(sandbox, 'POST', path, body, keyed));
    },
    async send(path, body) {
      const answer = await raw(sandbox, 'POST', path, body);
      const object = JSON.parse(answer.body) as { id: string; status: string };
      assert.ok(object.id, answer.body);
      return object;
    },
    async look(call) {
      const replies: VendorReply[] = [];
      for (;;) {
        const next = stripe.investigate(call, replies, DOLLARS, clock.now());
        if (next?.next !== 'look') return next;
        const reply = await lookUp(upstream, stripe, account, next.lookUp);
        assert.ok(typeof reply !== 'string', String(reply));
        replies.push(reply);
      }
    },
  };
}

function told(found: Investigation | null) {
  assert.ok(found?.next === 'conclude', found?.next);
  const { outcome, cost, objects, vendorObjectId } = found.conclusion;
  const [fact] = objects;
  return { outcome, cost, id: vendorObjectId, state: fact?.state, moved: fact?.moved };
}

test('a payment that was carried out is found within seconds, with what moved', async (t) => {
  const { sandbox, clock, lose, look } = await start(t);
  const call = lost({ at: clock.now() });
  await lose(PI, PAYING, 'after');
  clock.advance(2 * SECOND);
  const found = told(await look(call));
  assert.deepEqual([found.outcome, found.state, found.moved], ['held', 'final', 2900n]);
  assert.equal(sandbox.stripe.movedCents(), found.moved);
});

test('a payment that never arrived is given back after ten minutes, not before', async (t) => {
  const { sandbox, clock, lose, look } = await start(t);
  const call = lost({ at: clock.now() });
  await lose(PI, PAYING, 'before');
  for (let i = 0; i < 5; i++) {
    clock.advance(MINUTE);
    assert.equal((await look(call))?.next, 'wait');
  }
  clock.advance(5 * MINUTE);
  assert.equal(told(await look(call)).outcome, 'released');
  assert.equal(sandbox.stripe.movedCents(), 0n);
});

test('a payment whose events come late is not taken for one that never arrived', async (t) => {
  const { sandbox, clock, lose, look } = await start(t);
  sandbox.stripe.eventDelaySeconds = 300;
  const call = lost({ at: clock.now() });
  await lose(PI, PAYING, 'after');
  clock.advance(4 * MINUTE);
  assert.equal((await look(call))?.next, 'wait');
  clock.advance(6 * MINUTE);
  assert.equal(told(await look(call)).moved, 2900n);
});

test('a payment that was declined out of sight gives its hold back at once', async (t) => {
  const { clock, lose, look } = await start(t);
  const call = lost({ at: clock.now() });
  await lose(PI, PAYING.replace('visa', 'chargeDeclined'), 'after');
  assert.equal(told(await look(call)).state, 'declined');
});

test('a debit that fails days later gives back what it held', async (t) => {
  const { sandbox, clock, look } = await start(t);
  const call = held('', { at: clock.now() });
  const body = PAYING.replace('pm_card_visa', 'pm_usBankAccount_success');
  const keyed = { 'idempotency-key': 'run-7' };
  const { id } = JSON.parse((await raw(sandbox, 'POST', PI, body, keyed)).body) as { id: string };
  const open = { ...call, vendorObjectId: id };
  assert.equal((await look(open))?.next, 'wait');
  clock.advance(3 * 24 * 60 * MINUTE);
  sandbox.finishPayment(id, 'failed');
  assert.deepEqual(told(await look(open)), {
    ...{ outcome: 'held', cost: null, id, state: 'declined', moved: null },
  });
});

test('refunds, payouts and transfers that were lost are settled at what they moved', async (t) => {
  const { sandbox, clock, lose, send, look } = await start(t);
  const { id } = await send(PI, PAYING);
  const made: [resource: string, body: string][] = [
    ['refunds', `payment_intent=${id}&amount=500`],
    ['payouts', 'amount=500&currency=usd'],
    ['transfers', 'amount=500&currency=usd&destination=acct_1'],
  ];
  for (const [resource, body] of made) {
    const path = `/v1/${resource}`;
    const call = { path, operation: `${resource}.create`, amount: 500n, quote: 5_000_000n };
    await lose(path, body, 'after', { 'idempotency-key': resource });
    const open = lost({ at: clock.now(), ...call, idempotencyKey: resource });
    const found = told(await look(open));
    if (resource === 'payouts') assert.deepEqual([found.outcome, found.state], ['held', 'open']);
    else assert.deepEqual([found.outcome, found.cost], ['settled', 5_000_000n], resource);
    await lose(path, body, 'before', { 'idempotency-key': `${resource}-never` });
    const never = { ...open, idempotencyKey: `${resource}-never` };
    assert.equal((await look(never))?.next, 'wait');
    clock.advance(10 * MINUTE);
    assert.equal(told(await look(never)).outcome, 'released', resource);
  }
  assert.equal(sandbox.stripe.movedCents(), 2900n + 500n + 500n);
});

test('a capture and a raise that were lost show at the payment', async (t) => {
  const { clock, lose, send, look } = await start(t);
  const manual = `${PAYING}&capture_method=manual`;
  for (const at of ['before', 'after'] as const) {
    const { id } = await send(PI, manual);
    const raise = lostOn(id, 'payment_intents.increment_authorization', {
      ...{ at: clock.now(), amount: 3500n },
    });
    await lose(raise.path, 'amount=3500', at, { 'idempotency-key': `raise-${at}` });
    clock.advance(10 * MINUTE);
    const raised = told(await look(raise));
    assert.equal(raised.state ?? raised.outcome, at === 'before' ? 'released' : 'open');
    const capture = lostOn(id, 'payment_intents.capture', { at: clock.now() });
    await lose(capture.path, '', at, { 'idempotency-key': `capture-${at}` });
    clock.advance(10 * MINUTE);
    const captured = told(await look(capture));
    assert.equal(captured.state ?? captured.outcome, at === 'before' ? 'released' : 'final');
    if (at === 'after') assert.equal(captured.moved, 3500n);
  }
});

test('what was done for a connected account is looked for there, and nowhere else', async (t) => {
  const { clock, lose, look } = await start(t);
  await lose(PI, PAYING, 'after', { 'stripe-account': 'acct_1' });
  const call = lost({ at: clock.now(), onBehalfOf: 'acct_1' });
  assert.equal(told(await look(call)).moved, 2900n);
  assert.equal((await look({ ...call, onBehalfOf: null }))?.next, 'wait');
});
