/** The decision by itself: which reason wins, and what the repetition of a call comes to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../src/errors.ts';
import { refusal } from '../../src/errors.ts';
import { DAY_MS, decide, type FirstCall, type Question } from '../../src/ledger/decide.ts';
import { named, usd } from './desk.ts';
import { codeOf, type LinkFields, link, NOW, question } from './questions.ts';

// ---------------------------------------------------------------- which reason wins

/** Every reason at once, the strongest first; each row takes its own away. */
const REASONS: readonly [ErrorCode, (q: Question) => void][] = [
  [
    'key_revoked',
    ({ chain }) => {
      chain[0]!.key.revokedAt = null;
    },
  ],
  [
    'key_expired',
    ({ chain }) => {
      chain[0]!.key.policy.expiresAt = null;
    },
  ],
  [
    'frozen',
    (q) => {
      q.freeze = null;
    },
  ],
  [
    'scope_not_allowed',
    ({ call }) => {
      call.refusal = null;
    },
  ],
  [
    'endpoint_not_allowed',
    ({ chain }) => {
      chain[0]!.key.allows = null;
    },
  ],
  [
    'idempotency_mismatch',
    (q) => {
      q.first = null;
    },
  ],
  [
    'unpriced',
    (q) => {
      q.price = { micros: usd(5) };
    },
  ],
  [
    'call_cap_exceeded',
    ({ chain }) => {
      chain[0]!.key.policy.perCallCap = usd(5);
    },
  ],
  [
    'call_limit_reached',
    ({ chain }) => {
      chain[0]!.key.policy.maxCalls = 4;
    },
  ],
  [
    'rate_limited',
    ({ chain }) => {
      chain[0]!.key.policy.rateLimit = null;
    },
  ],
  [
    'cap_exceeded',
    ({ chain }) => {
      chain[0]!.budgets[0]!.cap = usd(20);
    },
  ],
];

test('of several reasons the strongest is told: the end of the key before its limits, and the cap last', () => {
  const everything = question(
    [
      link(1n, {
        ...{ expiresAt: NOW, allowedEndpoints: ['GET /v1/x'], perCallCap: usd(2), maxCalls: 3 },
        rateLimit: { calls: 1, windowMs: 1_000 },
        key: { revokedAt: NOW, allows: () => false, rate: { tokens: 0, at: NOW } },
        budgets: [{ cap: usd(1), calls: 3 }],
      }),
    ],
    5,
    { ...named('k'), refusal: refusal('scope_not_allowed', 'no') },
    {
      freeze: { vendor: '*', at: NOW, by: 'test', reason: null },
      first: first({ fingerprint: 'another body' }),
      price: { unpriced: 'no rate' },
    },
  );
  for (const [code, takeAway] of REASONS) {
    assert.equal(codeOf(decide(everything)), code);
    takeAway(everything);
  }
  assert.deepEqual(decide(everything), { kind: 'admit', micros: usd(5), wouldRefuse: null });
});

for (const [what, parent, code] of [
  ['a revoked', { key: { revokedAt: NOW } }, 'key_revoked'],
  ['an expired', { expiresAt: NOW }, 'key_expired'],
  [
    'a narrower',
    { allowedEndpoints: ['GET /v1/x'], key: { allows: () => false } },
    'endpoint_not_allowed',
  ],
  ['a thrifty', { perCallCap: usd(0.5) }, 'call_cap_exceeded'],
  ['a used-up', { maxCalls: 2, budgets: [{ calls: 2 }] }, 'call_limit_reached'],
  ['a full', { budgets: [{ cap: usd(1), spent: usd(0.5) }] }, 'cap_exceeded'],
  [
    'a hurried',
    { rateLimit: { calls: 1, windowMs: 60_000 }, key: { rate: { tokens: 0, at: NOW } } },
    'rate_limited',
  ],
] as const satisfies [string, LinkFields, ErrorCode][]) {
  test(`${what} ancestor refuses its descendants: ${code}`, () => {
    const chain = [link(3n), link(2n), link(1n, parent)];
    assert.equal(codeOf(decide(question(chain))), code);
    // Nobody lets himself out of it by being in shadow mode below a parent that enforces.
    chain[0]!.key.policy.mode = 'shadow';
    assert.equal(codeOf(decide(question(chain))), code);
  });
}

test('a shadow key does not get past its end, a freeze, or a request with two readings', () => {
  const shadow = (fields: LinkFields = {}) => [link(1n, { ...fields, mode: 'shadow' })];
  const freeze = { vendor: 'stripe', at: NOW, by: 'test', reason: null };
  const ambiguous = refusal('request_ambiguous', 'two readings');
  assert.equal(codeOf(decide(question(shadow({ key: { revokedAt: NOW } })))), 'key_revoked');
  assert.equal(codeOf(decide(question(shadow({ expiresAt: NOW })))), 'key_expired');
  assert.equal(codeOf(decide(question(shadow(), 1, {}, { freeze }))), 'frozen');
  assert.equal(codeOf(decide(question(shadow(), 1, { refusal: ambiguous }))), 'request_ambiguous');
});

// ---------------------------------------------------------------- repetitions

function first(fields: Partial<FirstCall> = {}): FirstCall {
  return {
    ...{ id: 5n, at: NOW - 1_000, fingerprint: 'body', state: 'settled' },
    idempotencyKey: 'k',
    ...{ runningId: null, hasReply: false, objectId: null, cost: null },
    ...{ byWord: false, ...fields },
  };
}

for (const [what, known, waited, windowMs, expected] of [
  ['running', { runningId: 5n }, false, 1, 'in_flight'],
  ['running, and waited for', { runningId: 5n }, true, 1, 'idempotency_in_flight'],
  ['answered', { hasReply: true }, false, 1, 'replay'],
  ['unknown, inside the window', {}, false, 1_001, 'resend'],
  ['unknown, as the window ends', {}, false, 1_000, 'outcome_unknown'],
  ['unknown, at a vendor that does not deduplicate', {}, false, 0, 'outcome_unknown'],
  [
    'of another body',
    { fingerprint: 'b2', hasReply: true, runningId: 5n },
    true,
    9_999,
    'idempotency_mismatch',
  ],
] as const) {
  test(`the repetition of a call that is ${what}: ${expected}, also when no budget has room`, () => {
    const fields = { ...named('k'), waited, idempotencyWindowMs: windowMs };
    for (const budgets of [[], [{ cap: 0n }]]) {
      const asked = question([link(1n, { budgets })], 5, fields, { first: first(known) });
      assert.equal(codeOf(decide(asked)), expected);
    }
  });
}

test('a call that was settled without its answer is sent again only while its payment is counted', () => {
  const quote = { kind: 'object', objectId: 'pi_1', of: 'amount', limit: null } as const;
  const fields = { ...named('k'), idempotencyWindowMs: DAY_MS, quote };
  const known = { first: first({ cost: 0n, objectId: 'pi_1' }) };
  const asked = (price: Question['price']) =>
    codeOf(decide(question([link(1n)], 0, fields, { ...known, price })));
  assert.equal(asked({ micros: 0n }), 'resend');
  // Declined since, and its hold given back: the confirmation may never have been carried out.
  assert.equal(asked({ micros: usd(2) }), 'outcome_unknown');
  assert.equal(asked({ ask: true }), 'outcome_unknown');
  assert.equal(
    codeOf(
      decide(
        question([link(1n)], 0, fields, {
          first: first({ state: 'released', objectId: 'pi_1' }),
          price: { micros: usd(2) },
        }),
      ),
    ),
    'outcome_unknown',
  );
  // A refund that was settled was carried out: its cost is its own.
  const refund = { ...fields, quote: { ...quote, of: 'refundable' } } as const;
  const price = { micros: usd(2) };
  assert.equal(codeOf(decide(question([link(1n)], 0, refund, { ...known, price }))), 'resend');
});

test('of a call that moved nothing nobody is told to take it as done, however long ago it was sent', () => {
  const fields = { ...named('k'), idempotencyWindowMs: 0 };
  for (const [state, told] of [
    ['released', /^Look at pi_1 .* If it is still to be done, use a new idempotency key/],
    ['settled', /^Take it as done/],
  ] as const) {
    const known = first({ state, objectId: 'pi_1' });
    const decision = decide(question([link(1n)], 5, fields, { first: known }));
    assert.ok(decision.kind === 'refuse');
    assert.match(decision.refusal.remedy!, told);
  }
});
