/** The decision by itself: which reason wins, and that nothing admitted breaks a budget. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ErrorCode } from '../../src/errors.ts';
import { refusal } from '../../src/errors.ts';
import {
  type BudgetState,
  DAY_MS,
  type Decision,
  dailyWindow,
  decide,
  type FirstCall,
  type KeyState,
  type Link,
  left,
  type Question,
  refill,
  tightest,
} from '../../src/ledger/decide.ts';
import { type Admission, type Policy, UNCAPPED } from '../../src/ledger/ledger.ts';
import { admission, named, newKey, usd } from './desk.ts';

const NOW = Date.parse('2026-11-22T09:00:00Z');

interface LinkFields extends Partial<Policy> {
  key?: Partial<KeyState>;
  budgets?: Partial<BudgetState>[];
}

function link(id: bigint, { key = {}, budgets = [], ...policy }: LinkFields = {}): Link {
  return {
    key: {
      ...{ id, issuedAt: NOW, revokedAt: null, revokedReason: null, rate: null, allows: null },
      policy: newKey(id, NOW, policy).policy,
      ...key,
    },
    budgets: (budgets.length ? budgets : [{}]).map((fields) => {
      const cap = fields.cap ?? UNCAPPED;
      return {
        ...{ kind: 'total', keyId: id, windowStart: 0, cap, ceiling: cap },
        ...{ spent: 0n, held: 0n, calls: 0 },
        ...fields,
      } as BudgetState;
    }),
  };
}

function question(
  chain: Link[],
  dollars = 1,
  fields: Partial<Admission> = {},
  rest: Partial<Question> = {},
): Question {
  const call = admission(9n, NOW, chain[0]!.key.id, dollars, fields);
  return {
    ...{ call, chain, freeze: null, first: null, price: { micros: usd(dollars) } },
    underWay: () => 0n,
    ...rest,
  };
}

function codeOf(decision: Decision): ErrorCode | Exclude<Decision['kind'], 'refuse'> {
  return decision.kind === 'refuse' ? decision.refusal.code : decision.kind;
}

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

// ---------------------------------------------------------------- money

const amount = fc.nat(30).map(BigInt);
const budget = fc.record({
  kind: fc.constantFrom('total' as const, 'daily' as const),
  cap: fc.oneof(amount, amount, fc.constant(UNCAPPED)),
  spent: amount,
  held: amount,
});
const chains = fc
  .array(fc.array(budget, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 4 })
  .map((each) => each.map((budgets, index) => link(BigInt(each.length - index), { budgets })));

function ask(chain: Link[], micros: bigint): Question {
  return { ...question(chain), price: { micros } };
}

test('what is admitted fits every budget of the chain, and what is refused does not', () => {
  fc.assert(
    fc.property(chains, amount, (chain, micros) => {
      const decision = decide(ask(chain, micros));
      const all = chain.flatMap(({ budgets }) => budgets);
      const fits = all.every(({ cap, spent, held }) => spent + held + micros <= cap);
      assert.equal(decision.kind, fits || micros === 0n ? 'admit' : 'refuse');
      if (decision.kind === 'admit') assert.equal(decision.micros, micros);
    }),
  );
});

test('a refusal for the cap reports the breached budget that has least left, and when waiting helps', () => {
  fc.assert(
    fc.property(chains, amount, (chain, micros) => {
      const decision = decide(ask(chain, micros));
      if (decision.kind !== 'refuse') return;
      const { code, cap: report, retryAfterS } = decision.refusal;
      assert.equal(code, 'cap_exceeded');
      const { cap, spent, held, needed } = report!;
      assert.ok(spent + held + needed > cap);
      assert.equal(needed, micros);
      const breached = chain
        .flatMap(({ budgets }) => budgets)
        .filter((each) => each.spent + each.held + micros > each.cap);
      const reported = breached.find(
        (each) => each.keyId === report!.keyId && each.kind === report!.kind,
      );
      assert.ok(reported, 'the report is of a breached budget');
      for (const each of breached) {
        assert.ok(left({ ...each, cap, spent, held }) <= left(each));
      }
      assert.equal(retryAfterS !== undefined, held > 0n && spent + micros <= cap);
    }),
  );
});

test('a shadow key is let through whatever the caps say, and the reason is told', () => {
  fc.assert(
    fc.property(chains, amount, (chain, micros) => {
      const enforced = decide(ask(chain, micros));
      for (const { key } of chain) key.policy.mode = 'shadow';
      const shadowed = decide(ask(chain, micros));
      assert.deepEqual(shadowed, {
        kind: 'admit',
        micros,
        wouldRefuse: enforced.kind === 'refuse' ? enforced.refusal : null,
      });
    }),
  );
});

test('a shadow key does not get past its end, a freeze, or a request with two readings', () => {
  const shadow = (fields: LinkFields = {}) => [link(1n, { ...fields, mode: 'shadow' })];
  const freeze = { vendor: 'stripe', at: NOW, by: 'test', reason: null };
  const ambiguous = refusal('request_ambiguous', 'two readings');
  assert.equal(codeOf(decide(question(shadow({ key: { revokedAt: NOW } })))), 'key_revoked');
  assert.equal(codeOf(decide(question(shadow({ expiresAt: NOW })))), 'key_expired');
  assert.equal(codeOf(decide(question(shadow(), 1, {}, { freeze }))), 'frozen');
  assert.equal(codeOf(decide(question(shadow(), 1, { refusal: ambiguous }))), 'request_ambiguous');
});

test('the decision changes nothing of what it was asked about', () => {
  fc.assert(
    fc.property(chains, amount, (chain, micros) => {
      const asked = ask(chain, micros);
      const before = structuredClone({ ...asked, call: null, underWay: null });
      decide(asked);
      assert.deepEqual({ ...asked, call: null, underWay: null }, before);
    }),
  );
});

test('the tightest budget is the one with a cap that has least left', () => {
  fc.assert(
    fc.property(chains, (chain) => {
      const capped = chain.flatMap(({ budgets }) => budgets).filter(({ cap }) => cap !== UNCAPPED);
      const least = tightest(chain);
      assert.equal(least === null, capped.length === 0);
      for (const each of capped) assert.ok(left(least!) <= left(each));
      if (least) assert.ok(capped.includes(least) && left(least) >= 0n);
    }),
  );
});

// ---------------------------------------------------------------- waiting

test('what calls under way hold is waited for when all breached budgets would have room then', () => {
  const own = { cap: usd(10), spent: usd(2), held: usd(7) };
  const above = { cap: usd(20), spent: usd(12), held: usd(6) };
  const chain = () => [link(2n, { budgets: [own] }), link(1n, { budgets: [above] })];
  const at = (under: number, over: number) => (budget: BudgetState) =>
    usd(budget.keyId === 2n ? under : over);
  const asked = (needed: number, underWay: (budget: BudgetState) => bigint) =>
    decide(question(chain(), needed, { holds: 'wait' }, { underWay }));
  assert.deepEqual(asked(3, at(2, 1)), { kind: 'wait', keyId: 2n });
  assert.equal(codeOf(asked(3, at(1.99, 6))), 'cap_exceeded', 'its own budget would not have room');
  assert.equal(codeOf(asked(3, at(7, 0.99))), 'cap_exceeded', 'nor would its parent’s');
  assert.equal(codeOf(asked(8, at(7, 6))), 'wait');
  assert.equal(codeOf(asked(8.000001, at(7, 6))), 'cap_exceeded');
  const late = question(chain(), 3, { holds: 'refuse' }, { underWay: at(7, 6) });
  assert.equal(codeOf(decide(late)), 'cap_exceeded');
});

test('nobody waits to be refused for another reason', () => {
  const budgets = [{ cap: usd(10), held: usd(10) }];
  const rest = { underWay: () => usd(10) };
  const asked = (fields: LinkFields) =>
    codeOf(decide(question([link(1n, { budgets, ...fields })], 3, { holds: 'wait' }, rest)));
  assert.equal(asked({}), 'wait');
  assert.equal(asked({ perCallCap: usd(2) }), 'call_cap_exceeded');
  assert.equal(asked({ maxCalls: 0 }), 'call_limit_reached');
  assert.equal(asked({ key: { revokedAt: NOW } }), 'key_revoked');
});

// ---------------------------------------------------------------- time

test('every instant from the issue on is in one window of 24 hours, counted from the issue', () => {
  fc.assert(
    fc.property(fc.nat(1e12), fc.nat(1e12), (issuedAt, later) => {
      const start = dailyWindow(issuedAt, issuedAt + later);
      assert.ok(start <= issuedAt + later && issuedAt + later < start + DAY_MS);
      assert.equal((start - issuedAt) % DAY_MS, 0);
    }),
  );
  assert.equal(dailyWindow(NOW, NOW - 1), NOW, 'a clock that was set back opens no window');
});

test('a rate limit lets no more through than one full bucket and what it gained since', () => {
  const limits = fc.record({
    calls: fc.integer({ min: 1, max: 9 }),
    windowMs: fc.integer({ min: 1, max: 5_000 }),
  });
  fc.assert(
    fc.property(limits, fc.array(fc.nat(2_000), { maxLength: 60 }), (rateLimit, pauses) => {
      const [own] = [link(1n, { rateLimit })];
      let at = NOW;
      let admitted = 0;
      for (const pause of pauses) {
        at += pause;
        const asked = question([own], 0, { at }, { price: { micros: 0n } });
        const decision = decide(asked);
        if (decision.kind === 'admit') {
          const bucket = refill(own.key, at);
          own.key.rate = { ...bucket, tokens: bucket.tokens - rateLimit.windowMs };
          admitted += 1;
        } else {
          assert.ok(decision.kind === 'refuse' && decision.refusal.code === 'rate_limited');
          const { tokens } = refill(own.key, at + decision.refusal.retryAfterS! * 1_000);
          assert.ok(tokens >= rateLimit.windowMs, 'who waits as told is let through');
        }
        const gained = ((at - NOW) * rateLimit.calls) / rateLimit.windowMs;
        assert.ok(admitted <= rateLimit.calls + gained);
      }
    }),
  );
});

test('a clock that is set back neither fills nor empties the bucket', () => {
  const own = link(1n, {
    rateLimit: { calls: 2, windowMs: 1_000 },
    key: { rate: { tokens: 500, at: NOW } },
  });
  assert.deepEqual(refill(own.key, NOW - 1_000), { tokens: 500, at: NOW });
  assert.deepEqual(refill(own.key, NOW + 1), { tokens: 502, at: NOW + 1 });
  own.key.rate = refill(own.key, NOW - 60_000);
  assert.equal(own.key.rate.tokens, 500);
  assert.equal(refill(own.key, NOW - 59_000).tokens, 2_000, 'it fills again from where it is');
});
