/** The decision by itself: the windows of a daily cap, and the bucket of a rate limit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DAY_MS, dailyWindow, decide, refill } from '../../src/ledger/decide.ts';
import { link, NOW, question } from './questions.ts';

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
