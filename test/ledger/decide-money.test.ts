/** The decision by itself: nothing admitted breaks a budget, and who waits for what others hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type BudgetState,
  decide,
  type Link,
  left,
  type Question,
  tightest,
} from '../../src/ledger/decide.ts';
import { UNCAPPED } from '../../src/ledger/ledger.ts';
import { usd } from './desk.ts';
import { codeOf, type LinkFields, link, NOW, question } from './questions.ts';

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
