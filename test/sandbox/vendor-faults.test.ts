/** Each fault does to Twilio and Resend what it does to Stripe; an answer is in their own shape. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Fault } from '../../src/sandbox/faults.ts';
import type { Sandbox } from '../../src/sandbox/server.ts';
import { email, type JsonReply, resendOf, sms, startStill, twilioOf } from './wire.ts';

interface Case {
  vendor: string;
  /** One message under a key, the same each time. */
  buy(sandbox: Sandbox): Promise<JsonReply>;
  booksOf(sandbox: Sandbox): Sandbox['twilio'] | Sandbox['resend'];
  faultsOf(sandbox: Sandbox): Sandbox['faults'];
  /** How many the vendor's books say were bought. */
  bought(sandbox: Sandbox): bigint;
  /** What a gateway says. */
  refusal(status: number, json: Record<string, unknown>): void;
  /** The field of an answer that garbage gives another type. */
  id: string;
  /** Whether the vendor takes a retry with the same key for the same purchase. */
  deduplicates: boolean;
}

const KEY = { 'idempotency-key': 'k' };

const CASES: Case[] = [
  {
    vendor: 'twilio',
    buy: (sandbox) => twilioOf(sandbox, KEY)('POST', '/Messages.json', sms()),
    booksOf: ({ twilio }) => twilio,
    faultsOf: ({ twilioFaults }) => twilioFaults,
    bought: ({ twilio }) => twilio.sentMessages().count,
    refusal(status, json) {
      assert.deepEqual(Object.keys(json), ['code', 'message', 'more_info', 'status']);
      assert.deepEqual([json.code, json.status], [20_000 + status, status]);
    },
    id: 'sid',
    deduplicates: false,
  },
  {
    vendor: 'resend',
    buy: (sandbox) => resendOf(sandbox)('POST', '/emails', email(), KEY),
    booksOf: ({ resend }) => resend,
    faultsOf: ({ resendFaults }) => resendFaults,
    bought: ({ resend }) => resend.accepted().emails,
    refusal(status, json) {
      assert.deepEqual(Object.keys(json), ['statusCode', 'message', 'name']);
      assert.equal(json.statusCode, status);
      assert.match(String(json.name), status === 429 ? /^rate_limit_exceeded$/ : /_error$/);
    },
    id: 'id',
    deduplicates: true,
  },
];

for (const one of CASES) {
  /** Buys under a fault; `outcome` is the reply, or the error that the caller met. */
  async function struck(t: TestContext, fault: Fault) {
    const { sandbox } = await startStill(t);
    const handle = one.faultsOf(sandbox).next({ do: fault });
    const outcome = await one.buy(sandbox).catch((error: Error) => error);
    assert.equal(handle.hits, 1);
    const [request] = one.booksOf(sandbox).received;
    assert.equal(request!.fault, fault.kind);
    assert.equal(request!.executed, one.bought(sandbox) === 1n);
    return { sandbox, outcome, bought: one.bought(sandbox), request: request! };
  }
  const replied = (outcome: JsonReply | Error): JsonReply => {
    assert.ok(!(outcome instanceof Error), String(outcome));
    return outcome;
  };

  test(`${one.vendor}: a status in front of it executes nothing, and is in its shape`, async (t) => {
    for (const status of [429, 500, 503]) {
      const { outcome, bought } = await struck(t, { kind: 'status', status });
      assert.equal(replied(outcome).status, status);
      one.refusal(status, replied(outcome).json);
      assert.equal(bought, 0n);
    }
  });

  test(`${one.vendor}: a status or a hang-up after execution leaves it in the books`, async (t) => {
    const faults: Fault[] = [
      { kind: 'status', status: 502, executes: true },
      { kind: 'hangup', at: 'after' },
      { kind: 'hangup', at: 'after', reset: true },
      { kind: 'hangup', at: 'midway' },
    ];
    for (const fault of faults) {
      const { sandbox, outcome, bought, request } = await struck(t, fault);
      assert.equal(outcome instanceof Error, fault.kind === 'hangup');
      assert.equal(request.status, fault.kind === 'hangup' ? null : 502);
      assert.equal(bought, 1n);
      // A retry with the same key: one purchase where the vendor deduplicates, else two.
      assert.ok((await one.buy(sandbox)).status < 300);
      assert.equal(one.bought(sandbox), one.deduplicates ? 1n : 2n);
      assert.equal(one.booksOf(sandbox).replays, one.deduplicates ? 1 : 0);
    }
  });

  test(`${one.vendor}: a hang-up before execution buys nothing`, async (t) => {
    for (const reset of [false, true]) {
      const { outcome, bought } = await struck(t, { kind: 'hangup', at: 'before', reset });
      assert.ok(outcome instanceof Error);
      assert.equal(bought, 0n);
    }
  });

  test(`${one.vendor}: breaks while executing, with the purchase or without`, async (t) => {
    for (const executes of [false, true]) {
      const { sandbox } = await startStill(t);
      one.faultsOf(sandbox).next({ do: { kind: 'status', status: 500, executes, stored: true } });
      const broken = await one.buy(sandbox);
      assert.equal(broken.status, 500);
      assert.equal(one.bought(sandbox), executes ? 1n : 0n);
      assert.equal(one.booksOf(sandbox).executions, 1);
      const retry = await one.buy(sandbox);
      assert.equal(retry.status >= 500, one.deduplicates);
      if (one.deduplicates) assert.equal(retry.body, broken.body);
    }
  });

  test(`${one.vendor}: a stall never answers, and others are served meanwhile`, async (t) => {
    for (const [at, bought] of [
      ['before', 0n],
      ['after', 1n],
    ] as const) {
      const { sandbox } = await startStill(t);
      const stall = one.faultsOf(sandbox).next({ do: { kind: 'stall', at } });
      let ended = false;
      const call = one.buy(sandbox).finally(() => {
        ended = true;
      });
      call.catch(() => undefined);
      while (stall.hits === 0) await new Promise(setImmediate);
      assert.ok((await one.buy(sandbox)).status < 500);
      assert.equal(ended, false);
      assert.equal(one.bought(sandbox), one.deduplicates ? 1n : bought + 1n);
      await sandbox.close();
      await assert.rejects(call);
    }
  });

  test(`${one.vendor}: garbage of each kind, after the purchase or without it`, async (t) => {
    const wrong = await struck(t, { kind: 'garbage', as: 'wrong_type' });
    assert.equal(replied(wrong.outcome).json[one.id], 42);
    const text = await struck(t, { kind: 'garbage', as: 'text' });
    assert.deepEqual(replied(text.outcome).json, {});
    const empty = await struck(t, { kind: 'garbage', as: 'empty' });
    assert.equal(replied(empty.outcome).body, '');
    const broken = await struck(t, { kind: 'garbage', as: 'broken_http' });
    assert.match(String(broken.outcome), /Parse Error/);
    for (const { bought } of [wrong, text, empty, broken]) assert.equal(bought, 1n);
    const spared = await struck(t, { kind: 'garbage', as: 'text', executes: false });
    assert.equal(spared.bought, 0n);
  });

  test(`${one.vendor}: late, slow, compressed, redirected, with more headers`, async (t) => {
    const late = await struck(t, { kind: 'delay', delayMs: 5 });
    assert.ok(one.id in replied(late.outcome).json);
    const slow = await struck(t, { kind: 'slowBody', bytes: 64, everyMs: 1 });
    assert.ok(one.id in replied(slow.outcome).json);
    const gzip = await struck(t, { kind: 'gzip' });
    const plain = gunzipSync(Buffer.from(replied(gzip.outcome).body, 'latin1')).toString();
    assert.ok(one.id in JSON.parse(plain));
    const cookie = await struck(t, { kind: 'headers', headers: { 'Set-Cookie': ['a=1', 'b=2'] } });
    assert.deepEqual(replied(cookie.outcome).headers['set-cookie'], ['a=1', 'b=2']);
    for (const { bought } of [late, slow, gzip, cookie]) assert.equal(bought, 1n);
    const redirect = await struck(t, { kind: 'redirect', location: 'http://127.0.0.1:9/' });
    assert.equal(replied(redirect.outcome).headers.location, 'http://127.0.0.1:9/');
    assert.equal(redirect.bought, 0n);
  });

  test(`${one.vendor}: a fault of another vendor and a magic card of Stripe do not strike`, async (t) => {
    const { sandbox } = await startStill(t);
    sandbox.faults.next({ count: 'always', do: { kind: 'status', status: 500 } });
    const card = 'pm_card_sandboxHangup';
    const replies = await Promise.all([
      twilioOf(sandbox)('POST', '/Messages.json', sms({ Body: card })),
      resendOf(sandbox)('POST', '/emails', email({ text: card })),
      one.buy(sandbox),
    ]);
    for (const { status } of replies) assert.ok(status < 300);
    assert.equal(one.booksOf(sandbox).requests, 2);
    assert.equal(sandbox.stripe.requests, 0);
  });
}
